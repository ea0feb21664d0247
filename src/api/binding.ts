/** What a token may speak about: the checks are those of every sender. */
export { covers, isBound, vouches } from '../decide/binding.js';
