/**
 * What a container engine would give a service of ours, without one: the image's files and nothing beside them, each
 * mount as a folder of its own, the environment that the compose file sets and no variable more. A process started so
 * sees no file of the checkout but the packages that the image has.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT, type Service } from './compose.js';

export interface Image {
  /** The working directory. */
  readonly app: string;
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A text of the configuration that is another outside of containers; it must be there once. */
export type Swap = readonly [inside: string, outside: string];

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** Lays out the files of the Dockerfile's last stage. dist/ must be built. */
export function layOutImage(app: string): Image {
  const text = readFileSync(`${ROOT}Dockerfile`, 'utf8');
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const rests = (word: string) => [...stage.matchAll(new RegExp(`^${word} (.+)$`, 'gm'))].map(([, rest]) => rest ?? '');
  for (const rest of rests('COPY')) {
    const places = rest.split(' ').filter((place) => !place.startsWith('--from='));
    const target = join(app, places.pop() ?? '');
    for (const source of places.map((place) => place.replace(/^\/app\//, ''))) {
      if (source === 'node_modules') linkPackages(target, removedPackages(text));
      else cpSync(join(ROOT, source), rest.endsWith('/') ? join(target, source) : target, { recursive: true });
    }
  }
  const [entrypoint = '[]'] = rests('ENTRYPOINT');
  return {
    app,
    entrypoint: JSON.parse(entrypoint) as string[],
    environment: Object.fromEntries(rests('ENV').map((rest) => rest.split('=') as [string, string])),
  };
}

/** Those that the image's build takes out again. */
function removedPackages(dockerfile: string): string[] {
  const words = /rm -rf ([^&\n]+)/.exec(dockerfile)?.[1]?.trim().split(' ') ?? [];
  return words.map((word) => word.replace(/^node_modules\//, ''));
}

/** What is not linked cannot be imported: neither a tool of development nor what was taken out. */
function linkPackages(folder: string, removed: readonly string[]): void {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as PackageFile;
  const names = Object.keys({ ...dependencies, ...optionalDependencies }).filter((name) => !removed.includes(name));
  for (const name of names) {
    const link = join(folder, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
}

/** The file .env as its example asks for it, every variable filled in; as the values of the variables. */
export function fillEnvironment(values: Readonly<Record<string, string>>): Record<string, string> {
  const lines = readFileSync(`${ROOT}deploy/env.example`, 'utf8').split('\n');
  const names = lines.flatMap((line) => /^([A-Z_]+)=$/.exec(line)?.[1] ?? []);
  return Object.fromEntries(names.map((name) => [name, given(values, name)]));
}

function given(values: Readonly<Record<string, string>>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`nothing was given for ${name}`);
  return value;
}

/** A service's place: what its mounts, its words and its variables are here. */
export class Container {
  constructor(
    private readonly image: Image,
    private readonly service: Service,
    /** Folder that stands for the container's root. */
    private readonly root: string,
    private readonly variables: Readonly<Record<string, string>>,
  ) {}

  /** Makes the folders and files that are mounted. */
  mount(swaps: readonly Swap[]): void {
    for (const { type, source = '', target } of this.service.volumes) {
      const place = this.outside(target);
      mkdirSync(type === 'volume' ? place : dirname(place), { recursive: true, mode: 0o700 });
      if (type === 'bind') writeFileSync(place, this.outside(swapped(readFileSync(join(ROOT, source), 'utf8'), swaps)));
    }
  }

  /** A text whose mounted paths are those that they have here. */
  outside(text: string): string {
    const targets = this.service.volumes.map(({ target }) => target);
    return targets.reduce((words, target) => words.replaceAll(target, join(this.root, target)), text);
  }

  /** The service's own words. */
  get words(): string[] {
    return this.service.command.map((word) => this.outside(word));
  }

  /** What starts the program here, to be followed by its words: with the service's environment, and no other. */
  get command(): string[] {
    return [...this.clean, ...this.image.entrypoint.map((word) => this.inApp(word))];
  }

  /** The command that asks for the service's health, to be followed by ports. */
  get healthCommand(): string[] {
    const { healthcheck } = this.service;
    if (!('test' in healthcheck)) throw new Error('nobody asks for its health');
    return [...this.clean, ...healthcheck.test.slice(1).map((word) => this.inApp(word))];
  }

  /** Files that stand beside of its mounts: its root is read-only. */
  written(): string[] {
    const places = this.service.volumes.map(({ target }) => target.slice(1));
    const files = readdirSync(this.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => relative(this.root, join(parentPath, name)));
    return paths.filter((path) => !places.some((place) => path === place || path.startsWith(`${place}/`)));
  }

  private get clean(): string[] {
    const { environment } = this.service;
    const filled = Object.entries(environment).map(([name, value]) => [name, this.filled(value)]);
    const all = { ...this.image.environment, ...Object.fromEntries(filled) };
    return ['/usr/bin/env', '-i', ...Object.entries(all).map(([name, value]) => `${name}=${value}`)];
  }

  /** The value of a variable of the compose file, which names one of .env or is what it says. */
  private filled(value: string): string {
    const name = /^\$\{(\w+):\?.*\}$/.exec(value)?.[1];
    return name === undefined ? value : given(this.variables, name);
  }

  private inApp(word: string): string {
    if (word === 'node') return process.execPath;
    return word.includes('/') ? join(this.image.app, word) : word;
  }
}

function swapped(text: string, swaps: readonly Swap[]): string {
  return swaps.reduce((words, [inside, outside]) => {
    const parts = words.split(inside);
    if (parts.length !== 2) throw new Error(`'${inside}' is there ${parts.length - 1} times, not once`);
    return parts.join(outside);
  }, text);
}
