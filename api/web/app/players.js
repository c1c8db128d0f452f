// Players of videos: YouTube's own, and the browser's for videos of our own.
//
// A player is {ready, read(), seek(seconds), close()}; read() tells {seconds, state, muted}.

const YOUTUBE = "https://www.youtube-nocookie.com";
const STATES = { 0: "ENDED", 1: "PLAYING", 2: "PAUSED", 3: "BUFFERING" };
const READY_MS_MAX = 20_000;

/** Put a player into a box; `changed` is called when it plays, pauses or ends. */
export function openPlayer(video, box, changed) {
  return video.provider === "youtube" ? youtube(video, box, changed) : own(video, box, changed);
}

function late(reject) {
  setTimeout(() => reject(new Error("the player does not answer")), READY_MS_MAX);
}

function own(video, box, changed) {
  const player = document.createElement("video");
  player.src = video.media_url;
  player.playsInline = true;
  player.controls = true;
  player.setAttribute("controlslist", "nodownload noplaybackrate");
  player.disablePictureInPicture = true;
  for (const name of ["play", "pause", "ended", "volumechange"]) {
    player.addEventListener(name, changed);
  }
  const ready = new Promise((resolve, reject) => {
    player.addEventListener("loadedmetadata", () => resolve(player.duration));
    player.addEventListener("error", () => reject(new Error("the video cannot be played")));
    late(reject);
  });
  box.append(player);
  const state = () => (player.ended ? "ENDED" : player.paused ? "PAUSED" : "PLAYING");
  return {
    ready,
    read: () => ({
      seconds: player.currentTime,
      state: state(),
      muted: player.muted || player.volume === 0,
    }),
    seek: (seconds) => { player.currentTime = seconds; },
    close: () => player.remove(),
  };
}

/** YouTube's player in a frame, by the messages of its documented IFrame API. */
function youtube(video, box, changed) {
  const frame = document.createElement("iframe");
  const options = new URLSearchParams({
    enablejsapi: "1", origin: location.origin, playsinline: "1", rel: "0", disablekb: "1",
  });
  frame.src = `${YOUTUBE}/embed/${encodeURIComponent(video.provider_id)}?${options}`;
  frame.title = video.title;
  frame.allow = "autoplay; encrypted-media";
  frame.referrerPolicy = "strict-origin";
  const known = { currentTime: 0, playerState: -1, muted: false, duration: 0, heardAt: 0 };
  let isReady = () => {};
  const tell = (message) => frame.contentWindow?.postMessage(JSON.stringify(message), YOUTUBE);
  const hear = ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== YOUTUBE) return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof message?.info !== "object" || message.info === null) return;
    const before = known.playerState;
    Object.assign(known, message.info, { heardAt: performance.now() });
    if (known.duration > 0) isReady(known.duration);
    if (known.playerState !== before) changed();
  };
  window.addEventListener("message", hear);
  const greeting = setInterval(() => tell({ event: "listening", id: 1, channel: "widget" }), 500);
  const ready = new Promise((resolve, reject) => {
    isReady = (duration) => {
      clearInterval(greeting);
      resolve(duration);
    };
    late(reject);
  });
  box.append(frame);
  return {
    ready,
    read: () => {
      const state = STATES[known.playerState] ?? "PAUSED";
      const since = state === "PLAYING" ? (performance.now() - known.heardAt) / 1000 : 0;
      return { seconds: known.currentTime + Math.min(since, 1), state, muted: known.muted };
    },
    seek: (seconds) => tell({ event: "command", func: "seekTo", args: [seconds, true] }),
    close: () => {
      clearInterval(greeting);
      window.removeEventListener("message", hear);
      frame.remove();
    },
  };
}
