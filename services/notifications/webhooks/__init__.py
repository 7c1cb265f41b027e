"""What registering and sending share about webhooks: where they may go, how they are signed, how their keys are sealed."""
