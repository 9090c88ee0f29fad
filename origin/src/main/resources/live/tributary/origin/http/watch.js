const video = document.getElementById('video');
const message = document.getElementById('message');
const url = `/live/${video.dataset.stream}/master.m3u8`;
const retryMillis = 3000;

function say(text) {
  message.textContent = text;
}

function start() {
  fetch(url).then(answer => {
    if (!answer.ok) throw new Error('not there yet');
    if (window.Hls && Hls.isSupported()) {
      const hls = new Hls();
      hls.on(Hls.Events.ERROR, (event, data) => {
        if (data.fatal) {
          hls.destroy();
          say('The stream stopped; trying again …');
          setTimeout(start, retryMillis);
        }
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    } else {
      video.src = url;
    }
  }).catch(() => setTimeout(start, retryMillis));
}

video.addEventListener('playing', () => say(''));
start();
