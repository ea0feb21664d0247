export function unpackedProgram(name: string, program: string): string | null;
export function environmentOf(name: string): NodeJS.ProcessEnv;
