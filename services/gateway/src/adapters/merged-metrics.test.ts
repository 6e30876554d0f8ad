import { Counter } from 'prom-client';
import { createRegistry } from '@moltbot/shared/telemetry';
import { expect, test } from 'vitest';
import { mergedMetrics } from './merged-metrics.ts';

const samplesOf = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(name));

test('services of one process show its own figures once, and each what it counts', async () => {
  const registries = ['gateway', 'worker'].map((service) => createRegistry(service, '1.0.0'));
  registries.forEach((register, i) => {
    new Counter({ name: `moltbot_of_${i}_total`, help: 'One of them.', registers: [register] }).inc(i + 1);
  });

  const text = await mergedMetrics(registries);

  expect(samplesOf(text, 'process_resident_memory_bytes')).toHaveLength(1);
  expect(samplesOf(text, 'moltbot_build_info')).toEqual([
    'moltbot_build_info{service="gateway",version="1.0.0"} 1',
  ]);
  expect(samplesOf(text, 'moltbot_of_')).toEqual(['moltbot_of_0_total 1', 'moltbot_of_1_total 2']);
});
