"""PostHog's capture protocols: an event becomes a ping, whichever way it comes."""
