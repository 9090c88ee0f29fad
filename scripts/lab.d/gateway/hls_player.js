// hls.js in headless Chromium: plays an HLS URL for some seconds and says what a viewer saw, as one JSON object.
// hls_player.js URL SECONDS [CHROMIUM]; GIVE_UP_MS in the environment: after how long a frozen position counts as stopped (20000)
const { chromium } = require('playwright-core');

const FROZEN_MS = 500;
const GIVE_UP_MS = Number(process.env.GIVE_UP_MS || 20000);
const [, , url, seconds, executablePath] = process.argv;

/** Runs in the page. */
function play([source, milliseconds, frozenMs, giveUpMs]) {
  const video = document.querySelector('video');
  const seen = { chunks: [], hosts: {}, errors: [], stalls: [], fatal: null, pathways: [], held: [] };
  const hls = new Hls({ liveSyncDurationCount: 3 });
  hls.on(Hls.Events.FRAG_BUFFERED, (event, { frag }) => {
    if (frag.type !== 'main') { return; }
    seen.chunks.push(frag.sn);
  });
  hls.on(Hls.Events.FRAG_LOADED, (event, { frag, networkDetails }) => {
    if (frag.type !== 'main') { return; }
    const host = new URL((networkDetails && (networkDetails.responseURL || networkDetails.url)) || frag.url).host; // Where it was led to.
    seen.hosts[host] = (seen.hosts[host] || 0) + 1;
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (event, { level }) => {
    const pathway = hls.levels[level] && hls.levels[level].pathwayId;
    if (pathway && seen.pathways[seen.pathways.length - 1] !== pathway) { seen.pathways.push(pathway); }
  });
  hls.on(Hls.Events.ERROR, (event, { details, fatal }) => {
    seen.errors.push(details);
    if (fatal) { seen.fatal = details; }
  });
  hls.loadSource(source);
  hls.attachMedia(video);
  return new Promise((resolve) => {
    let began = 0;
    let position = 0;
    let moved = 0;
    let ticked = performance.now();
    let longestTick = 0;
    const started = performance.now();
    seen.startedAt = Date.now();
    /** The seconds of media behind the position, whatever holes are between them. */
    const held = () => {
      let seconds = 0;
      for (let i = 0; i < video.buffered.length; i++) {
        seconds += Math.max(0, video.buffered.end(i) - Math.max(video.buffered.start(i), video.currentTime));
      }
      return +seconds.toFixed(2);
    };
    const look = setInterval(() => {
      const now = performance.now();
      if (began) { longestTick = Math.max(longestTick, now - ticked); }
      ticked = now;
      seen.held.push([Math.round(now - started), held()]);
      if (video.currentTime > position) {
        if (!began) { began = now; seen.startMs = Math.round(now - started); seen.from = video.currentTime; }
        if (moved && now - moved > frozenMs) { seen.stalls.push({ at: +position.toFixed(1), ms: Math.round(now - moved), until: Math.round(now - started) }); }
        position = video.currentTime;
        moved = now;
      }
      if (began && moved && now - moved > giveUpMs) { seen.fatal = seen.fatal || 'stopped'; }
      if ((began && now - began >= milliseconds) || (!began && now - started > 60000) || seen.fatal === 'stopped') {
        clearInterval(look);
        const frames = video.getVideoPlaybackQuality();
        resolve({
          ...seen, played: +(position - (seen.from || 0)).toFixed(1), wall: +((now - (began || now)) / 1000).toFixed(1),
          ranges: video.buffered.length, frames: frames.totalVideoFrames, dropped: frames.droppedVideoFrames,
          longestTick: Math.round(longestTick), paths: hls.levels.map((level) => level.pathwayId),
        });
      }
    }, 50);
  });
}

(async () => {
  const browser = await chromium.launch({
    executablePath: executablePath || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
  });
  const page = await browser.newPage();
  // A document of the gateway's own, so that the page is of this machine as the relays are; only the player under test runs in it.
  await page.goto(`${new URL(url).origin}/health`);
  await page.evaluate(() => { document.body.innerHTML = '<video muted autoplay playsinline></video>'; });
  await page.addScriptTag({ path: require.resolve('hls.js/dist/hls.min.js') });
  console.log(JSON.stringify(await page.evaluate(play, [url, Number(seconds) * 1000, FROZEN_MS, GIVE_UP_MS])));
  await browser.close();
})().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
