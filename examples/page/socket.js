/**
 * A WebSocket that comes back: after a loss it connects again, later each time,
 * and never at the same moment as all the others that were lost with it.
 */

const firstDelayMs = 500;
const longestDelayMs = 15_000;

/** What RFC 6455 and its registry say about a close code, in the words of somebody who was connected. */
const meanings = new Map([
  [1000, 'closed normally'],
  [1001, 'the server is going away'],
  [1003, 'the server does not take this kind of message'],
  [1005, 'closed without a reason'],
  [1006, 'the connection was lost'],
  [1007, 'a message was not valid text'],
  [1008, 'the server refused to go on'],
  [1009, 'a message was too large'],
  [1011, 'the service failed'],
  [1012, 'the server restarts'],
  [1013, 'the server is too busy'],
]);

/** Somebody decided these closes: coming back would only repeat them. */
const final = new Set([1000, 1003, 1005, 1007, 1008, 1009, 1011]);

export function describeClose(code, reason) {
  const meaning = meanings.get(code) ?? 'closed';
  return reason ? `${code}, ${meaning}: ${reason}` : `${code}, ${meaning}`;
}

/**
 * Calls of `on`: opened(), text(data), closed({ code, reason, retryInMs }), where
 * retryInMs is undefined when the connection stays closed.
 */
export function createSocket(urlOf, on, { always = false, random = Math.random } = {}) {
  let socket;
  let timer;
  let attempts = 0;

  function open() {
    clearTimeout(timer);
    timer = undefined;
    const mine = new WebSocket(urlOf());
    socket = mine;
    let hasOpened = false;
    mine.onopen = () => {
      hasOpened = true;
      attempts = 0;
      on.opened();
    };
    mine.onmessage = ({ data }) => on.text(String(data));
    mine.onclose = ({ code, reason }) => {
      if (socket !== mine) return;
      socket = undefined;
      // A refused handshake also says 1006: only what once was open comes back by itself.
      const comesBack = always || (!final.has(code) && (hasOpened || attempts > 0));
      const retryInMs = comesBack ? delay() : undefined;
      if (retryInMs !== undefined) timer = setTimeout(open, retryInMs);
      on.closed({ code, reason, retryInMs });
    };
  }

  /** Half of the delay is chance. */
  function delay() {
    const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** attempts);
    attempts += 1;
    return Math.round(ceiling / 2 + random() * (ceiling / 2));
  }

  return {
    connect() {
      if (!socket) open();
    },
    /** Gives up, whatever it is doing. Answers false when there was nothing to close. */
    disconnect() {
      clearTimeout(timer);
      const wasWaiting = timer !== undefined;
      timer = undefined;
      attempts = 0;
      if (socket) socket.close(1000);
      return socket !== undefined || wasWaiting;
    },
    send(text) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    get isOpen() {
      return socket?.readyState === WebSocket.OPEN;
    },
  };
}
