/** What a response object repeats of its request. */
export type ResponseHead = Readonly<{
  id: string;
  created_at: number;
  model: string;
  instructions: string | null;
  max_output_tokens: number | null;
  metadata: Readonly<Record<string, unknown>>;
  previous_response_id: string | null;
  tool_choice: unknown;
  tools: readonly unknown[];
  background: boolean;
  user?: string;
}>;

/** By what a response is found again: the run it is, in the session with this canonical key. */
export type ResponseNote = Readonly<{ v: 1; key: string; runId: string; head: ResponseHead }>;
