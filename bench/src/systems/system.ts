import type { Target } from '../load/target.ts';

/** Something that streams answers: the upstream itself, the product, or a neighbour. */
export type System = AsyncDisposable &
  Readonly<{
    name: string;
    target: Target;
    /** Root of its process tree, whose time and memory are its cost. */
    pid: number;
  }>;

export type Surroundings = Readonly<{
  /** A directory of this run alone, removed at its end. */
  directory: string;
  upstreamUrl: string;
  prompt: string;
}>;
