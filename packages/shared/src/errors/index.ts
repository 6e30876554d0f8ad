export * from './catalogue.ts';
export * from './http.ts';
