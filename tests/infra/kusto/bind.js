// Binds queries to tables with Microsoft's own language service; reads and writes JSON.
//   {"tables": {"Name": "(column:type, ...)"}, "queries": {"name": "text"}} -> {"name": ["error", ...]}
const service = `${process.argv[2]}/@kusto/language-service-next/`;
require(`${service}bridge.min.js`);
require(`${service}Kusto.Language.Bridge.min.js`);
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const { tables, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));

const symbols = Object.entries(tables).map(
  ([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null)
);
const database = new Symbols.DatabaseSymbol.$ctor3("workspace", null, symbols, false);
const globals = GlobalState.Default.WithDatabase(database);

const found = {};
for (const [name, text] of Object.entries(queries)) {
  const diagnostics = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  found[name] = [];
  for (let place = 0; place < diagnostics.Count; place++) {
    const one = diagnostics.getItem(place);
    if (one.Severity === "Error") found[name].push(`${one.Message} (at ${one.Start})`);
  }
}
process.stdout.write(JSON.stringify(found));
