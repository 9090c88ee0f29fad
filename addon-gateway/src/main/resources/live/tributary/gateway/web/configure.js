'use strict';

const DEVICES = [
  ['any', 'Not sure', 'What plays everywhere'],
  ['desktop', 'Desktop app', 'Windows, macOS, Linux'],
  ['android', 'Android', 'Phone, tablet or TV'],
  ['fire-tv', 'Fire TV', 'Stick or Cube'],
  ['apple', 'Apple', 'iPhone, iPad, Apple TV'],
  ['tv', 'Samsung or LG', 'The TV’s own app'],
  ['browser', 'Browser', 'Stremio Web'],
];
const REGIONS = [
  ['eu-west', 'Western Europe'], ['eu-east', 'Eastern Europe'], ['na-east', 'North America, east'],
  ['na-west', 'North America, west'], ['south-america', 'South America'], ['africa', 'Africa'],
  ['middle-east', 'Middle East'], ['south-asia', 'South Asia'], ['east-asia', 'East Asia'], ['oceania', 'Oceania'],
];

const $ = id => document.getElementById(id);
const form = $('form');

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

for (const [id, title, hint] of DEVICES) {
  const input = element('input', { type: 'radio', name: 'd', value: id, defaultChecked: id === 'any' });
  $('devices').append(element('label', {}, input, title, element('span', { textContent: hint })));
}
for (const [id, title] of REGIONS) {
  form.r.append(element('option', { value: id, textContent: title }));
}

function encode(config) {
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function decode(text) {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function config() {
  const chosen = {};
  if (form.d.value !== 'any') { chosen.d = form.d.value; }
  if (form.p.value === '0') { chosen.p = false; }
  for (const name of ['r', 'q', 's', 'o']) {
    if (form[name].value && form[name].validity.valid) { chosen[name] = form[name].value; }
  }
  return chosen;
}

/** Takes over what a configured add-on was configured with: its path is /<config>/configure. */
function restore() {
  const parts = location.pathname.split('/');
  if (parts.length < 3) {
    return;
  }
  try {
    const chosen = decode(parts[1]);
    form.d.value = chosen.d || 'any';
    form.p.value = chosen.p === false ? '0' : '1';
    for (const name of ['r', 'q', 's', 'o']) { form[name].value = chosen[name] || ''; }
    form.querySelector('details').open = Object.keys(chosen).some(name => name !== 'd');
  } catch {
    // The gateway has checked the path already; what this page cannot read it starts afresh.
  }
}

function draw() {
  const chosen = config();
  const path = Object.keys(chosen).length ? '/' + encode(chosen) : '';
  const url = `${location.origin}${path}/manifest.json`;
  $('url').textContent = url;
  $('install').href = url.replace(/^https?:/, 'stremio:');
  $('web').href = 'https://web.stremio.com/#/addons?addon=' + encodeURIComponent(url);
  const secure = location.protocol === 'https:'; // Else the buttons lead nowhere, and the address is the way.
  $('http-note').classList.toggle('hidden', secure);
  $('install').classList.toggle('quiet', !secure);
  $('copy').classList.toggle('quiet', secure);
  $('tv-note').classList.toggle('hidden', !['tv', 'fire-tv', 'apple', 'android'].includes(form.d.value));
  const code = window.qrSvg(url);
  $('scan').classList.toggle('hidden', !code);
  $('qr').innerHTML = code;
}

async function listStreams() {
  try {
    const { metas } = await (await fetch('/catalog/tv/live-streams.json')).json();
    $('streams').replaceChildren(...metas.map(meta => element('li', {},
      element('a', { href: '/watch/' + meta.id.replace(/^tributary:/, ''), textContent: meta.name }),
      element('span', { className: 'state', textContent: meta.releaseInfo }))));
    if (!metas.length) {
      $('streams').append(element('li', { className: 'soft', textContent: 'No stream is listed yet.' }));
    }
  } catch {
    $('streams').replaceChildren(element('li', { className: 'soft', textContent: 'The list could not be loaded.' }));
  }
}

form.addEventListener('input', draw);
form.addEventListener('submit', event => event.preventDefault());
$('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText($('url').textContent);
  $('copy').textContent = 'Copied';
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 2000);
});
restore();
draw();
listStreams();
setInterval(listStreams, 30000);
