// What a running session has brought by some instant.

/** How much of a session has passed, 0 … 1. */
export function passed({ started_at: began, ends_at: ends }, at) {
  const [from, to] = [Date.parse(began), Date.parse(ends)];
  return Math.min(1, Math.max(0, (at - from) / (to - from)));
}

/** What it has earned: ticks pay every few minutes, between them this runs ahead of them. */
export function earned(session, at) {
  return Math.max(Number(session.reward) * passed(session, at), Number(session.earned));
}

/** The balance with it, as it is shown everywhere. */
export function total({ balance, session }, at) {
  return session ? Number(balance) - Number(session.earned) + earned(session, at) : Number(balance);
}
