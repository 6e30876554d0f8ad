export { createClient, type MoltbotClient, type SeqGap } from './client.ts';
export type { RequestOptions } from './connection/requests.ts';
export { createDeviceIdentity, type DeviceIdentity } from './device.ts';
export type { ClientInfo, ClientOptions, SocketConstructor, SocketLike } from './options.ts';
export { LOCAL_CODES, RequestError } from './request-error.ts';
export { followSession, type RunFrame, type SessionHandlers } from './resume/follow-session.ts';
export type { ClientState } from './state.ts';
export { createChat } from './chat/chat.ts';
export type {
  Chat,
  ChatAttachment,
  ChatMessage,
  ChatRun,
  ChatSnapshot,
  ChatTool,
  ContentBlock,
  MessageStatus,
} from './chat/types.ts';
