// lint.js MANIFEST_URL…: what Stremio's own linter says of each, one JSON object a line.
const linter = require('stremio-addon-linter');

(async () => {
  for (const url of process.argv.slice(2)) {
    const { valid, errors, warnings } = linter.lintManifest(await (await fetch(url)).json());
    console.log(JSON.stringify({ url, valid, errors: errors.map(String), warnings: warnings.map(String) }));
  }
})();
