/**
 * Lint rules no published plugin has. Loaded by oxlint through `jsPlugins`.
 *
 * `reason-after-disable`: whoever switches a rule off says why, after `--`, so that the next reader
 * can tell an exception that still holds from one that was only convenient.
 */
type Comment = { value: string };
type Context = {
  sourceCode: { getAllComments(): Comment[] };
  report(finding: { node: Comment; message: string }): void;
};

const DISABLES = /^\s*(?:eslint|oxlint)-disable(?:-next-line|-line)?\b/;
const HAS_REASON = /\s--\s+\S/;

const reasonAfterDisable = {
  create(context: Context) {
    return {
      Program(): void {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!DISABLES.test(comment.value) || HAS_REASON.test(comment.value)) continue;
          context.report({ node: comment, message: 'Say why the rule is off: `-- <reason>`.' });
        }
      },
    };
  },
};

export default {
  meta: { name: 'house' },
  rules: { 'reason-after-disable': reasonAfterDisable },
};
