import { describe, expect, it } from 'vitest';
import {
  attributeForest,
  averagePathLength,
  createForest,
  depthMax,
  type Forest,
  forestFromJson,
  forestToJson,
  scoreForest,
} from '../../src/detect/forest.js';
import { growForest } from '../../src/learn/grow-forest.js';
import { createRandom } from '../../src/math/random.js';
import {
  anisotropic,
  areaUnderCurve,
  clusters,
  type LabelledSet,
  ordinaryRow,
  plantOutlier,
  ring,
  singleFeature,
} from './forest-sets.js';

function meanArea(set: LabelledSet, trees: number, psi: number): number {
  let sum = 0;
  for (let seed = 0; seed < 10; seed++) {
    const forest = growForest(set.rows, set.dims, createRandom(`area-${seed}`), { trees, psi });
    const scores = set.outlier.map((_, i) => scoreForest(forest, set.rows, i * set.dims));
    sum += areaUnderCurve(scores, set.outlier);
  }
  return sum / 10;
}

function sampleForest(seed: string): Forest {
  const random = createRandom(seed);
  const rows = Float64Array.from(Array.from({ length: 1024 }, () => ordinaryRow(random)).flat());
  return growForest(rows, 12, random);
}

function first(shares: ArrayLike<number>): number {
  let best = 0;
  for (let f = 1; f < shares.length; f++) if (shares[f] > shares[best]) best = f;
  return best;
}

/** The feature whose replacement by the ordinary value 0 lowers the score most. */
function firstByOcclusion(forest: Forest, row: Float64Array): number {
  const drops = Array.from(row, (_, f) => {
    const occluded = row.slice();
    occluded[f] = 0;
    return -scoreForest(forest, occluded, 0);
  });
  return first(drops);
}

describe('path lengths', () => {
  it('follow equation 1', () => {
    expect([0, 1, 2].map(averagePathLength)).toEqual([0, 0, 1]);
    // 2 (ln 255 + 0.5772156649) - 2 * 255/256, the usual approximation, is 0.004 below the exact sum.
    expect(averagePathLength(256)).toBeCloseTo(10.2448, 2);
  });

  it('end at ceil(log2 psi)', () => {
    expect([2, 3, 4, 5, 128, 129, 256].map(depthMax)).toEqual([1, 2, 2, 3, 7, 8, 8]);
  });
});

describe('scoreForest', () => {
  /*
   * References: scikit-learn 1.9.1, IsolationForest(n_estimators=trees, max_samples=psi, random_state=s) fitted on the
   * very rows of forest-sets.ts (written out as text, 17 digits), roc_auc_score of -score_samples, mean of s = 0..19.
   */
  it.each([
    ['clusters', clusters(), 32, 128, 0.9562],
    ['clusters', clusters(), 64, 256, 0.9617],
    ['a ring', ring(), 32, 128, 0.891],
    ['a ring', ring(), 64, 256, 0.9604],
    ['correlated features', anisotropic(), 32, 128, 0.9293],
    ['correlated features', anisotropic(), 64, 256, 0.9405],
  ])('separates outliers from %s as scikit-learn does', (_, set, trees, psi, reference) => {
    expect(meanArea(set, trees, psi)).toBeGreaterThan(reference - 0.02);
  });

  it('sees outliers in one of twelve features, which a plain isolation forest hardly does', () => {
    expect(meanArea(singleFeature(), 32, 128)).toBeGreaterThan(0.793 + 0.1);
  });

  it('stays in (0, 1), for any row', () => {
    const forest = sampleForest('range');
    const rows = [0, 1e308, -1e308, Infinity, -Infinity, NaN].map((value) => new Float64Array(12).fill(value));
    for (const row of rows) {
      const score = scoreForest(forest, row, 0);
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThan(1);
    }
    expect(scoreForest(forest, rows[1], 0)).toBeGreaterThan(scoreForest(forest, rows[0], 0) + 0.3);
  });

  it('reads the row at the offset, from 32-bit floats as well', () => {
    const forest = sampleForest('offset');
    const rows = new Float32Array(36);
    rows.fill(7.5, 12, 24);
    expect(scoreForest(forest, rows, 12)).toBe(scoreForest(forest, new Float64Array(12).fill(7.5), 0));
    expect(scoreForest(forest, rows, 0)).toBe(scoreForest(forest, new Float64Array(12), 0));
  });

  it('has no opinion before anything is grown', () => {
    expect(scoreForest(createForest(3, 4, 8), new Float64Array(3), 0)).toBe(0.5);
  });
});

describe('attributeForest', () => {
  it('names the planted feature first in at least 90 % of 200 cases, and occlusion agrees', () => {
    let named = 0;
    let agreed = 0;
    for (let i = 0; i < 200; i++) {
      const random = createRandom(`planted-${i}`);
      const forest = sampleForest(`planted-forest-${i % 20}`);
      const values = ordinaryRow(random);
      const planted = plantOutlier(values, random);
      const row = Float64Array.from(values);
      const named1 = first(attributeForest(forest, row));
      if (named1 === planted) named++;
      if (named1 === firstByOcclusion(forest, row)) agreed++;
    }
    expect(named).toBeGreaterThanOrEqual(180);
    expect(agreed).toBeGreaterThanOrEqual(180);
  });

  it('gives shares that add up to 1, or nothing where no path ends early', () => {
    const shares = attributeForest(sampleForest('shares'), new Float64Array(12).fill(2.5));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
    expect(Array.from(attributeForest(createForest(2, 4, 8), new Float64Array(2)))).toEqual([0, 0]);
  });
});

describe('forest as JSON', () => {
  it('comes back bit for bit', () => {
    const forest = sampleForest('json');
    const text = JSON.stringify(forestToJson(forest));
    expect(forestFromJson(JSON.parse(text))).toEqual(forest);
  });

  it('refuses what is no forest, as a value that says why', () => {
    const good = forestToJson(sampleForest('refuse'));
    const broken: [unknown, RegExp][] = [
      [null, /not an object/],
      [{ ...good, dims: 0 }, /dims is 0/],
      [{ ...good, psi: 1 }, /psi is 1/],
      [{ ...good, trees: 1e9 }, /trees is 1000000000/],
      [{ ...good, grown: 1 }, /grown/],
      [{ ...good, feature: good.right }, /feature/],
      [{ ...good, cuts: good.cuts.slice(4) }, /cuts/],
      [{ ...good, dims: 2 }, /tree 0 is broken/],
    ];
    for (const [json, reason] of broken) {
      expect(forestFromJson(json)).toMatchObject({
        rejected: true,
        code: 'model.invalid',
        reason: expect.stringMatching(reason),
      });
    }
  });

  it('refuses paths that would run backwards, out of their tree or too deep', () => {
    const forged = (change: (forest: Forest) => void): unknown => {
      const forest = createForest(1, 1, 4);
      change(forest);
      return forestFromJson(forestToJson(forest));
    };
    const split = (forest: Forest, node: number, right: number): void => {
      forest.feature[node] = 0;
      forest.right[node] = right;
    };
    expect(forged((forest) => split(forest, 0, 2))).toMatchObject({ psi: 4 });
    expect(forged((forest) => split(forest, 0, 0))).toHaveProperty('rejected');
    expect(forged((forest) => split(forest, 0, 7))).toHaveProperty('rejected');
    expect(forged((forest) => forest.cuts.fill(Number.NaN))).toHaveProperty('rejected');
    const deep = (forest: Forest): void => {
      for (const node of [0, 1, 2]) split(forest, node, 6);
    };
    expect(forged(deep)).toHaveProperty('rejected');
  });
});
