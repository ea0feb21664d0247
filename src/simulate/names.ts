/** Invented names for whom and what agents reach. */
import type { Random } from '../math/random.js';

const FIRST =
  'ada ben cara dev elif finn gita hugo ines jun kofi lena marek nora omar pia quinn rosa sami tara uma viktor wren yusuf zoe'.split(
    ' ',
  );
const LAST =
  'abbott berg castro diaz eriksen fischer gupta haddad ito jansen khan lopez moreau novak okafor petrov quist rossi silva tanaka ueda vogel weber xu young zidan'.split(
    ' ',
  );
const COMPANY =
  'acorn-works bluefin brightline cedarfold copperleaf deltaport eastmark fernhill glasswing harborview ironbark juniper-co kitehouse lakeshore maplecroft northgate oakline pinecrest quarrystone riverbend saltmarsh thornfield umberland violetbay westbrook yarrow'.split(
    ' ',
  );
const WORD =
  'alpha anchor atlas beacon billing bridge canvas cart catalog cinder core delta depot ember event falcon field forge garnet grid harbor index invoice kernel lantern ledger market matrix meadow north orbit order parcel pilot pixel prism queue quota relay report ridge search signal stock stream summit tariff token vault vector window yield'.split(
    ' ',
  );

const LISTS: Readonly<Record<string, readonly string[]>> = { first: FIRST, last: LAST, company: COMPANY, word: WORD };

/** Fills a template: '#' becomes a digit, {first}, {last}, {company} and {word} become names. */
export function fillTemplate(template: string, random: Random): string {
  return template.replace(/#|\{(\w+)\}/g, (found, list: string | undefined) =>
    list === undefined ? String(random.below(10)) : random.pick(LISTS[list] ?? [found]),
  );
}
