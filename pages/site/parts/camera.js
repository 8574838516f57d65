// Reads QR codes with the camera: by the browser's own reader where there is one, else by a library.

// A ticket has 49 dots a side. What is seen is a square, so that it is also what is read.
const SIDE = 480;
const PAUSE_MS = 120;
// A code that stays in front of the camera is read once. It is read again after it was away for so long.
const AWAY_MS = 3000;

export class Camera {
  /** `found` gets the text of each code; `ended` is called when the device has taken the camera away. */
  constructor(found, ended) {
    this.found = found;
    this.ended = ended;
    this.stream = null;
    this.paused = false;
    this.last = { text: "", at: 0 };
  }

  /** Show what the camera sees in this element. Throws what getUserMedia throws: no camera, or not allowed. */
  async start(video) {
    this.stop();
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    this.decode = (await ownDecoder()) ?? (await library());
    video.srcObject = this.stream;
    await video.play();
    this.look(video, this.stream);
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  pause() {
    this.paused = true;
  }

  /** Go on. What was read last is not read again at once. */
  resume() {
    if (this.paused) this.last.at = Date.now();
    this.paused = false;
  }

  async look(video, stream) {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    const picture = canvas.getContext("2d", { willReadFrequently: true });
    while (this.stream === stream) {
      if (!this.paused && !document.hidden && video.videoWidth) this.seen(await this.read(video, canvas, picture));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (this.stream === stream && stream.getVideoTracks()[0].readyState === "ended") {
        this.stop();
        this.ended();
      }
    }
  }

  /** The text of a code in the middle of what is seen; null if there is none. */
  async read(video, canvas, picture) {
    const side = Math.min(video.videoWidth, video.videoHeight);
    picture.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, SIDE, SIDE);
    try {
      return await this.decode(canvas, picture);
    } catch {
      // Most pictures have no code, or a blurred one.
      return null;
    }
  }

  seen(text) {
    if (!text || this.paused) return;
    const again = text === this.last.text && Date.now() - this.last.at < AWAY_MS;
    this.last = { text, at: Date.now() };
    if (!again) this.found(text);
  }
}

/** The browser's own reader, which is faster; null if it has none for such codes. */
async function ownDecoder() {
  try {
    if (!(await BarcodeDetector.getSupportedFormats()).includes("qr_code")) return null;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (canvas) => (await detector.detect(canvas))[0]?.rawValue ?? null;
  } catch {
    return null;
  }
}

/** It is loaded when it is needed; a device that keeps the page of the door has it. */
async function library() {
  const { decodeQR } = await import("../lib/qr-decode.js");
  return (_, picture) => decodeQR(picture.getImageData(0, 0, SIDE, SIDE));
}
