// noVNC tries at its start whether the browser decodes H.264, which takes some 40 ms before it connects; Debian's
// display server never sends it.
Reflect.deleteProperty(window, "VideoDecoder");
