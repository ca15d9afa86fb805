.PHONY: help demo drills test campaign kills bench build

help: ## shows this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: ## breaks a real cluster on this machine and recovers it; leaves nothing behind
	@sh tests/demo.sh

drills: ## every drill five times in a row, timed; N=20 for more, MARKDOWN=FILE for the table
	@sh tests/drills.sh

test: ## everything: build, lint, units, real hosts, the demo; prints the time of each
	@sh tests/groups.sh

campaign: ## kills a run at every single point; takes an hour, REFLOAT_POINTS=N for fewer
	@sh tests/packages.sh test
	cargo test --locked --test all -- --ignored --nocapture --test-threads 1 campaign_

kills: ## only the campaign's kills on real sshds, in pieces: REFLOAT_POINTS=N kills from REFLOAT_SEED=S on
	@sh tests/packages.sh test
	cargo test --locked --test all -- --ignored --nocapture campaign_kills_at_any_time

bench: ## beside an unguarded floor and its peers, on 100 real sshds; ROUNDS=N, ONLY=w2-50,...
	@sh tests/bench.sh

build: ## the binary, target/release/refloat
	@sh tests/packages.sh build
	cargo build --release --locked
