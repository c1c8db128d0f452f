// Players of videos: YouTube's own, and the browser's for videos of our own.
//
// A player is {read(), seek(seconds), close()}; read() tells {seconds, state, muted}. What it cannot
// play it says once: UNPLAYABLE, or UNREACHABLE if its player does not answer.

const YOUTUBE = "https://www.youtube-nocookie.com";
const STATES = { 0: "ENDED", 1: "PLAYING", 2: "PAUSED", 3: "BUFFERING" };
const READY_MS_MAX = 20_000;

/**
 * Put a player into a box; `changed` is called when it plays, pauses or ends, `failed` with the cause
 * if it cannot.
 */
export function openPlayer(video, box, changed, failed) {
  let isOver = false;
  const fail = (cause) => {
    if (!isOver) failed(cause);
    isOver = true;
  };
  const late = setTimeout(() => fail("UNREACHABLE"), READY_MS_MAX);
  const ready = () => clearTimeout(late);
  const open = video.provider === "youtube" ? youtube : own;
  const player = open(video, box, changed, ready, fail);
  const close = () => {
    isOver = true;
    ready();
    player.close();
  };
  return { ...player, close };
}

function own(video, box, changed, ready, fail) {
  const player = document.createElement("video");
  player.src = video.media_url;
  player.playsInline = true;
  player.controls = true;
  player.setAttribute("controlslist", "nodownload noplaybackrate");
  player.disablePictureInPicture = true;
  for (const name of ["play", "pause", "ended", "volumechange"]) {
    player.addEventListener(name, changed);
  }
  player.addEventListener("loadedmetadata", ready);
  player.addEventListener("error", () => fail("UNPLAYABLE"));
  box.append(player);
  const state = () => (player.ended ? "ENDED" : player.paused ? "PAUSED" : "PLAYING");
  return {
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
function youtube(video, box, changed, ready, fail) {
  const frame = document.createElement("iframe");
  const options = new URLSearchParams({
    enablejsapi: "1", origin: location.origin, playsinline: "1", rel: "0", disablekb: "1",
  });
  frame.src = `${YOUTUBE}/embed/${encodeURIComponent(video.provider_id)}?${options}`;
  frame.title = video.title;
  frame.allow = "autoplay; encrypted-media";
  frame.referrerPolicy = "strict-origin";
  const known = { currentTime: 0, playerState: -1, muted: false, duration: 0, heardAt: 0 };
  const tell = (message) => frame.contentWindow?.postMessage(JSON.stringify(message), YOUTUBE);
  const hear = ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== YOUTUBE) return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message?.event === "onError") {
      // 2, 5, 100, 101, 150, …: whatever it is, this player will not show this video.
      fail("UNPLAYABLE");
      return;
    }
    if (typeof message?.info !== "object" || message.info === null) return;
    const before = known.playerState;
    Object.assign(known, message.info, { heardAt: performance.now() });
    if (known.duration > 0) {
      clearInterval(greeting);
      ready();
    }
    if (known.playerState !== before) changed();
  };
  window.addEventListener("message", hear);
  const greeting = setInterval(() => {
    tell({ event: "listening", id: 1, channel: "widget" });
    tell({ event: "command", func: "addEventListener", args: ["onError"], id: 1, channel: "widget" });
  }, 500);
  box.append(frame);
  return {
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
