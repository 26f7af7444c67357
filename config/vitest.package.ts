import { defineConfig, type ViteUserConfig } from "vitest/config";

/** The story tests on the packed tarball, installed as a user would; test/story/packed.ts installs it. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/story/worked-case.test.ts", "test/story/command-line.test.ts"],
    globalSetup: ["test/story/packed.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: "forks",
    maxWorkers: 1,
  },
});

export default config;
