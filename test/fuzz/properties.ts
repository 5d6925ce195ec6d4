import { cached } from './properties/cached.ts';
import { callerData, decisions, dialStrings, plans } from './properties/decisions.ts';
import { events } from './properties/events.ts';
import { brokenFrames, frames } from './properties/frames.ts';
import { messages } from './properties/messages.ts';
import type { Property } from './property.ts';

export const PROPERTIES: readonly Property[] = [
  {
    name: 'decisions',
    what: 'an answer becomes the intended applications in the bytes that FreeSWITCH reads',
    check: decisions,
  },
  {
    name: 'plans',
    what: 'a plan accepted by a router is valid for an agent and has no refused variable',
    check: plans,
  },
  {
    name: 'dial-strings',
    what: 'a dial string becomes known endpoints or a DialStringError',
    check: dialStrings,
  },
  {
    name: 'caller-data',
    what: 'arguments, error texts and contacts do not escape from their value',
    check: callerData,
  },
  { name: 'frames', what: 'frames are parsed the same wherever the stream is split', check: frames },
  { name: 'broken-frames', what: 'invalid bytes lead to a FrameError', check: brokenFrames },
  {
    name: 'events',
    what: 'an event with hostile caller data becomes a valid notification and request',
    check: events,
  },
  {
    name: 'messages',
    what: 'a corrupted NATS message leads to a MessageError or is processed as written',
    check: messages,
  },
  {
    name: 'cached',
    what: 'a cached decision is found by exactly the calls that agree in the named fields',
    check: cached,
  },
];
