/**
 * One reading under way for each name. Whoever asks meanwhile shares the next one: it begins after they asked,
 * so it misses nothing that was there before.
 */
export function createRounds<T>(): (name: string, read: () => Promise<T>) => Promise<T> {
  type Round = Readonly<{ running: Promise<T> }> & { next?: Promise<T> };
  const rounds = new Map<string, Round>();
  const begin = async (name: string, read: () => Promise<T>): Promise<T> => {
    const round: Round = { running: read() };
    rounds.set(name, round);
    try {
      return await round.running;
    } finally {
      if (round.next === undefined) rounds.delete(name);
    }
  };
  return async (name, read) => {
    const round = rounds.get(name);
    if (round === undefined) return await begin(name, read);
    const following = async (): Promise<T> => await begin(name, read);
    round.next ??= round.running.then(following, following);
    return await round.next;
  };
}
