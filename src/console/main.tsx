/**
 * Room console/: the pages that analysts work in, for a browser. It knows the API by the types of its answers alone and
 * asks it as anybody could: what a person may do is decided there, here it is only not offered.
 *
 * Promises: nothing comes from elsewhere, nothing is run or styled that does not stand in a file of its own, and text of
 * agents and people is never taken for markup. It may keep nothing but what a person was about to do.
 */
import { render } from 'preact';
import { App } from './app.jsx';

const root = document.getElementById('console');
if (root !== null) render(<App />, root);
