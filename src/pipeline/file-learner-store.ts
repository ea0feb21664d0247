/** What the learner keeps, on this machine's disk. */
import { readWhole, writeAtomic } from '../log/atomic-file.js';
import type { Files } from '../log/files.js';
import type { LearnerStore } from './live-learner.js';
import { storeModel } from './model-folder.js';

export function createFileLearnerStore(files: Files, statePath: string, modelsDirectory: string): LearnerStore {
  return {
    name: statePath,
    read: () => readWhole(files, statePath),
    write: (bytes) => writeAtomic(files, statePath, bytes),
    storeModel: (model) => storeModel(files, modelsDirectory, model),
  };
}
