/** Seeded sets with known outliers for the forest's tests: rows, row after row, and which of them are outliers. */
import { createRandom, type Random } from '../../src/math/random.js';

export interface LabelledSet {
  readonly name: string;
  readonly dims: number;
  readonly rows: Float64Array;
  readonly outlier: readonly boolean[];
}

function collect(name: string, ordinary: readonly number[][], outliers: readonly number[][]): LabelledSet {
  const all = [...ordinary, ...outliers];
  return {
    name,
    dims: all[0].length,
    rows: Float64Array.from(all.flat()),
    outlier: all.map((_, i) => i >= ordinary.length),
  };
}

function times<T>(n: number, make: (i: number) => T): T[] {
  return Array.from({ length: n }, (_, i) => make(i));
}

/** Two round clusters, outliers anywhere. */
export function clusters(): LabelledSet {
  const random = createRandom('clusters');
  const ordinary = times(2000, (i) => {
    const centre = i % 2 === 0 ? 2 : -2;
    return [centre + 0.6 * random.normal(), centre + 0.6 * random.normal()];
  });
  return collect(
    'clusters',
    ordinary,
    times(60, () => [random.between(-6, 6), random.between(-6, 6)]),
  );
}

/** A ring, outliers in its middle: nothing to see in one feature alone. */
export function ring(): LabelledSet {
  const random = createRandom('ring');
  const ordinary = times(2000, () => {
    const radius = 4 + 0.3 * random.normal();
    const [x, y] = [random.normal(), random.normal()];
    const unit = Math.sqrt(x * x + y * y);
    return [(radius * x) / unit, (radius * y) / unit];
  });
  return collect(
    'ring',
    ordinary,
    times(40, () => [0.6 * random.normal(), 0.6 * random.normal()]),
  );
}

/** Six correlated features of different scales; outliers are 2.5 times as far out. */
export function anisotropic(): LabelledSet {
  const random = createRandom('anisotropic');
  const mixing = times(6, (i) => times(i + 1, (j) => random.normal() + (i === j ? 0.3 : 0)));
  const row = (scale: number): number[] => {
    const z = times(6, () => scale * random.normal());
    return mixing.map((weights) => weights.reduce((sum, weight, j) => sum + weight * z[j], 0));
  };
  return collect(
    'anisotropic',
    times(2000, () => row(1)),
    times(60, () => row(2.5)),
  );
}

/** A row of twelve correlated standard normal features. */
export function ordinaryRow(random: Random): number[] {
  const common = Math.sqrt(0.3) * random.normal();
  return times(12, () => common + Math.sqrt(0.7) * random.normal());
}

/** An ordinary row with one feature set to 6 to 8 deviations, on either side; returns the feature. */
export function plantOutlier(row: number[], random: Random): number {
  const feature = random.below(12);
  row[feature] = (random.next() < 0.5 ? -1 : 1) * random.between(6, 8);
  return feature;
}

/** Ordinary rows of twelve features, outliers in one feature each. */
export function singleFeature(): LabelledSet {
  const random = createRandom('single-feature');
  const ordinary = times(2000, () => ordinaryRow(random));
  const outliers = times(60, () => {
    const row = ordinaryRow(random);
    plantOutlier(row, random);
    return row;
  });
  return collect('single-feature', ordinary, outliers);
}

/** Area under the ROC curve: the chance that an outlier scores above an ordinary row, ties counting half. */
export function areaUnderCurve(scores: readonly number[], outlier: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => scores[a] - scores[b]);
  let rankSum = 0;
  let outliers = 0;
  for (let begin = 0; begin < order.length; ) {
    let end = begin;
    while (end < order.length && scores[order[end]] === scores[order[begin]]) end++;
    for (let i = begin; i < end; i++) {
      if (!outlier[order[i]]) continue;
      rankSum += (begin + 1 + end) / 2;
      outliers++;
    }
    begin = end;
  }
  return (rankSum - (outliers * (outliers + 1)) / 2) / (outliers * (order.length - outliers));
}
