// Runs modules on stored arguments: node javascript.mjs FOLDER. Each case of FOLDER/cases.json names a module and
// what it is given; what it gives is written to FOLDER/results.json, an error by its message.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];

function decoded(value) {
  if (value?.base64 === undefined) {
    if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, decoded(part)]));
  }
  const bytes = Uint8Array.from(Buffer.from(value.base64, "base64"));
  return { shape: value.shape, data: new Float64Array(bytes.buffer) };
}

function encoded(arrays) {
  for (const [name, { data }] of Object.entries(arrays))
    if (data.buffer.byteLength !== data.byteLength) throw new Error(`${name} shares its memory with others`);
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [
      name,
      { shape, base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") },
    ]),
  );
}

const results = [];
for (const { file, given, grads, final } of JSON.parse(readFileSync(`${folder}/cases.json`))) {
  try {
    const module = await import(pathToFileURL(`${folder}/${file}`));
    const arguments_ = decoded(given),
      result = { run: encoded(module.run(arguments_)) };
    if (grads) result.backward = encoded(module.backward(arguments_, decoded(grads), decoded(final)));
    results.push(result);
  } catch (error) {
    results.push({ error: String(error.stack) });
  }
}
writeFileSync(`${folder}/results.json`, JSON.stringify(results));
