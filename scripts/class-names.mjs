import ts from 'typescript';

const HELPER = '__name';

/**
 * Takes out of esbuild's output what keeps the names of functions, and leaves what keeps those of classes.
 *
 * Libraries and exit statuses go by the names of classes, which bundling may change. A function's is only seen in stacks;
 * there esbuild would set it again whenever the function is made, which was a tenth of all that an agent does for a call.
 *
 * @param text a file of esbuild's, made with `keepNames`
 */
export function classNamesOnly(text) {
  const file = ts.createSourceFile('bundle.js', text, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  const kept = [];
  let at = 0;
  const leaveOut = (from, to) => {
    kept.push(text.slice(at, from));
    at = to;
  };
  const visit = (node) => {
    if (ts.isExpressionStatement(node) && namesFunction(node.expression))
      return leaveOut(node.getStart(file), node.end);
    if (!namesFunction(node)) return ts.forEachChild(node, visit);
    const [target] = node.arguments;
    // Its parentheses stay: what stands around it may need them.
    leaveOut(node.getStart(file), node.getStart(file) + HELPER.length);
    visit(target);
    leaveOut(target.end, node.end - 1);
  };
  visit(file);
  return kept.join('') + text.slice(at);
}

/** A class has itself named in a static block, where it is `this`. */
function namesFunction(node) {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression) || node.expression.text !== HELPER) return false;
  return node.arguments.length === 2 && node.arguments[0].kind !== ts.SyntaxKind.ThisKeyword;
}
