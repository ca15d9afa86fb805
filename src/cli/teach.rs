//! What stands at the end of each verb's help: how it is typed, and what its exit code says. And what refloat says when
//! nothing was asked of it.

/// Of refloat without a verb: the five of a first day.
pub const ALONE: &str = "\
refloat recovers clusters by runbooks: checked, planned, journalled, executed over plain SSH. Five verbs to begin with:

  refloat show RUNBOOK                  what a runbook does, in words; nothing is connected to
  refloat validate                      every mistake in your runbooks, in one go
  refloat check RUNBOOK -i INVENTORY    would it work now? looks at the hosts, touches nothing
  refloat run RUNBOOK -i INVENTORY      do it; every decision is kept
  refloat report                        what happened, step by step

No cluster at hand: refloat lab up 3. Is this machine ready: refloat doctor. All verbs: refloat --help; one of them with
examples: refloat run --help.
";

/// Of refloat itself.
pub const FIRST_DAY: &str = "\
A first day:
  refloat lab up 3                              three Consul servers on this machine, in namespaces
  refloat validate runbooks/consul/quorum-loss.yaml
  refloat plan -i INVENTORY -p lost=consul-3 …  what would be done, on which host
  refloat check -i INVENTORY -p lost=consul-3 …  would it work now? looks at the hosts, touches nothing
  refloat run  -i INVENTORY -p lost=consul-3 …  do it; every decision is kept
  refloat report                                what happened, step by step

Exit codes: 0 done · 1 failed after the first change · 2 wrong command line · 3 wrong text · 4 refused before the first
change · 5 needs attention · 6 something could not be reached · 75 detached · 130 ended by a person";

/// Of `plan`.
pub const PLAN: &str = "\
Examples:
  refloat plan quorum-loss.yaml -i INVENTORY -p lost=consul-3                    look at it
  refloat plan quorum-loss.yaml -i INVENTORY -p lost=consul-3 --out plan.json    and keep it
  refloat run --plan plan.json                                  do what it says, or refuse";

/// Of `duty`.
pub const DUTY: &str = "\
Examples:
  refloat duty                                      what is owed, and to whom
  refloat duty RUN                                  connect to those hosts and do it: each step at most once
  refloat duty RUN consul-3                         only on that host
  refloat duty RUN -p consul-3/gossip_key=…         give a secret var of that host again
  refloat duty RUN consul-3/fence --close --reason 'disk was shredded'

A host that starts its services by itself may talk to the others before its duty is carried out. When that must not
happen, bring it back where it reaches nobody but you. One that was rebuilt or has rejoined since may owe nothing any
more: close its duty with a reason instead.

Exit codes: 0 all done · 1 failed · 4 refused · 5 it is not known what happened · 6 a host still cannot be reached";

/// Of `validate`.
pub const VALIDATE: &str = "\
Examples:
  refloat validate                                  all that is in the folder runbooks
  refloat validate quorum-loss.yaml -i INVENTORY    one, and whether its hosts are in the inventory
  refloat validate --codes                          all that it looks for

Exit codes: 0 no mistake · 3 mistakes, all of them shown";

/// Of `report`.
pub const REPORT: &str = "\
Examples:
  refloat report                             the latest run
  refloat report 3f2a --format markdown      one of them, as the draft of a post-mortem
  refloat report 3f2a --verify --head 9c1e…  is its history whole, and does it lead to the head that was kept?

Exit codes: 0 shown · 1 the history is damaged · 6 there is no such run, or the journal cannot be read";

/// Of `drill`.
pub const DRILL: &str = "\
Examples:
  refloat drill quorum-loss.drill.yaml                    break, recover, ask whether all is well
  refloat drill quorum-loss.drill.yaml --variant main -n 5   one variant, five times
  refloat drill --history                                 how long recoveries took until now

Exit codes: 0 everything was as expected · 1 something was not · 3 wrong text · 6 a lab cannot be made here";

/// Of `actions`.
pub const ACTIONS: &str = "\
Examples:
  refloat actions            all that a step can do
  refloat actions service    one: its keys, its effect, an example";

/// Of `schema`.
pub const SCHEMA: &str = "\
Examples:
  refloat schema > runbook.schema.json
  refloat schema inventory > inventory.schema.json

In an editor with the YAML language server, the first line of a runbook is then:
  # yaml-language-server: $schema=runbook.schema.json";

/// Of `doctor`.
pub const DOCTOR: &str = "\
Examples:
  refloat doctor                 this machine
  refloat doctor -i INVENTORY    and how old the inventory is

Exit codes: 0 everything is here · 1 something is missing, and it says what to type";

/// Of `attach`.
pub const ATTACH: &str = "\
Examples:
  refloat attach         the latest run, as it happens; Ctrl-C leaves it alone
  refloat attach 3f2a    one of them

Exit codes: that of the run";

/// Of `cancel`.
pub const CANCEL: &str = "\
Examples:
  refloat cancel 3f2a    nothing new begins; what runs goes on to its end
  refloat cancel 3f2a    once more: what runs is stopped on the hosts";

/// Of `note`.
pub const NOTE: &str = "\
Examples:
  refloat note 3f2a 'the switch was power-cycled by hand'";

/// Of `runs`.
pub const RUNS: &str = "\
Examples:
  refloat runs                            the latest twenty
  refloat runs --duties                   those that still owe something to a host
  refloat runs --export 3f2a run.refloat  to go on with it elsewhere
  refloat runs --import run.refloat       there";

/// Of `lab`.
pub const LAB: &str = "\
Examples:
  refloat lab up 3                       three Consul servers on this machine
  refloat lab ssh consul-1               a shell there
  refloat lab break power-off consul-2   the other faults: refloat lab break --help
  refloat lab run -- refloat check …     a command that reaches its hosts
  refloat lab down                       nothing is left";
