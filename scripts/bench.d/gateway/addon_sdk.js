// The add-on SDK's own server (Express) with the gateway's answers, kept in memory: it computes nothing, it only serves.
// addon_sdk.js ANSWERS: a JSON object of manifest, catalog, metas and streams (each by id); says "READY <port>".
const fs = require('fs');
const express = require('express');
const { addonBuilder, getRouter } = require('stremio-addon-sdk');

const answers = JSON.parse(fs.readFileSync(process.argv[2]));
const builder = new addonBuilder(answers.manifest);
builder.defineCatalogHandler(async () => answers.catalog);
builder.defineMetaHandler(async ({ id }) => answers.metas[id]);
builder.defineStreamHandler(async ({ id }) => answers.streams[id]);
const server = express().use(getRouter(builder.getInterface())).listen(0, '127.0.0.1', () => console.log(`READY ${server.address().port}`));
