"""Tests of the Azure deployment, built under Pulumi's mocks: nothing here reaches Azure."""
