// A viewer page in headless Chromium: waits until its video plays, and takes its picture; says what was seen as one JSON object.
// viewer_page.js URL SECONDS PICTURE
const { chromium } = require('playwright-core');

const [, , url, seconds, picture] = process.argv;

/** Runs in the page. */
function watch(milliseconds) {
  const video = document.querySelector('video');
  return new Promise((resolve) => {
    const started = performance.now();
    let from = null;
    const look = setInterval(() => {
      const now = performance.now();
      if (from === null && video.currentTime > 0) { from = video.currentTime; }
      if ((from !== null && video.currentTime - from >= milliseconds / 1000) || now - started > milliseconds + 40000) {
        clearInterval(look);
        resolve({
          played: from === null ? 0 : +(video.currentTime - from).toFixed(1), width: video.videoWidth, height: video.videoHeight,
          frames: video.getVideoPlaybackQuality().totalVideoFrames, text: document.body.innerText.slice(0, 600),
        });
      }
    }, 100);
  });
}

(async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
  });
  const page = await browser.newPage({ viewport: { width: 900, height: 760 } });
  const errors = [];
  page.on('pageerror', (failure) => errors.push(String(failure)));
  page.on('console', (line) => { if (line.type() === 'error') { errors.push(line.text()); } });
  await page.goto(url);
  const seen = await page.evaluate(watch, Number(seconds) * 1000);
  await page.screenshot({ path: picture });
  console.log(JSON.stringify({ ...seen, errors }));
  await browser.close();
})().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
