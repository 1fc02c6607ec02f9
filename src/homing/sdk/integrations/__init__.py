"""What an operator may switch on beside telemetry, with keys of their own: PostHog, Sentry and Prometheus."""
