import { Registry } from 'prom-client';

/** For one process that is several services: each metric once, whoever made it first. */
export async function mergedMetrics(registries: readonly Registry[]): Promise<string> {
  const merged = new Registry(); // @NOTE Registry.merge refuses a name that two registries share
  for (const registry of registries)
    for (const { name } of registry.getMetricsAsArray()) {
      const metric = registry.getSingleMetric(name);
      if (metric && !merged.getSingleMetric(name)) merged.registerMetric(metric);
    }
  return await merged.metrics();
}
