"""What happens to articles, stage by stage; plain functions of their inputs."""
