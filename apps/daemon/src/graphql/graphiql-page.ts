/** The GraphiQL page: packages' own bundles, one field for the token, nothing from other hosts. */

export const GRAPHIQL_HTML = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Lacuna GraphiQL</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="graphiql/graphiql.css">
  <style>
    body { margin: 0; height: 100vh; display: flex; flex-direction: column; font-family: system-ui, sans-serif; }
    form { display: flex; gap: 0.5rem; align-items: center; padding: 0.4rem 0.8rem; border-bottom: 1px solid #ccc; }
    input { flex: 1; font-family: ui-monospace, monospace; padding: 0.25rem; }
    #graphiql { flex: 1; min-height: 0; }
  </style>
</head>
<body>
  <form id="access">
    <label for="token">Token</label>
    <input id="token" type="password" autocomplete="off" placeholder="npm run -s lacuna -- token --role auditor">
    <output id="caller">no token</output>
  </form>
  <div id="graphiql">Loading …</div>
  <script src="graphiql/react.js"></script>
  <script src="graphiql/react-dom.js"></script>
  <script src="graphiql/graphiql.js"></script>
  <script src="graphiql/page.js"></script>
</body>
</html>
`;

/** The token lives as long as the browser tab, in no cookie: another site cannot make the browser send it. */
export const GRAPHIQL_SCRIPT = `'use strict';
const field = document.getElementById('token');
const caller = document.getElementById('caller');
field.value = sessionStorage.getItem('lacuna-token') || '';

async function ask(operation, headers) {
  const token = field.value.trim();
  const response = await fetch('graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token ? { authorization: 'Bearer ' + token } : {}),
      ...headers,
    },
    body: JSON.stringify(operation),
  });
  return response.json();
}

async function showCaller() {
  const answer = await ask({ query: '{ me { subject roles } }' });
  const me = answer.data && answer.data.me;
  caller.textContent = me ? me.subject + ': ' + me.roles.join(', ') : answer.errors[0].extensions.code;
}

field.addEventListener('change', () => {
  sessionStorage.setItem('lacuna-token', field.value.trim());
  showCaller();
});
document.getElementById('access').addEventListener('submit', (event) => event.preventDefault());
showCaller();

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: (operation, options) => ask(operation, options && options.headers),
    defaultQuery: '{\\n  models(first: 10) {\\n    nodes {\\n      id\\n      name\\n    }\\n  }\\n}\\n',
  }),
);
`;
