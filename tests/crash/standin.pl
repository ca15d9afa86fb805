#!/usr/bin/perl
# A stand-in for Consul: just what runbooks/consul/quorum-loss.yaml asks of it, in milliseconds. Every effect is a line
# in /var/log/effects, so that a test can count them: started, stopped, ingested, put KEY.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX ();

my $data = '/var/lib/consul';

sub slurp { open(my $file, '<', $_[0]) or return; local $/; return scalar <$file> }

sub spew {
    my ($path, $text) = @_;
    open(my $file, '>', "$path.new") or die "$path: $!\n";
    print $file $text;
    close $file;
    rename "$path.new", $path;
}

sub effect {
    open(my $file, '>>', '/var/log/effects') or die "effects: $!\n";
    syswrite $file, "$_[0]\n";
}

# --- the command line, which asks the agent
sub ask {
    my ($method, $path, $body) = (@_, '');
    my $agent = IO::Socket::INET->new(PeerAddr => '127.0.0.1:8500')
        or die "Error: dial tcp 127.0.0.1:8500: connect: connection refused\n";
    print $agent "$method $path HTTP/1.0\r\nContent-Length: ", length $body, "\r\n\r\n$body";
    local $/;
    my $answer = <$agent> // '';
    my ($head, $text) = split /\r\n\r\n/, $answer, 2;
    $head =~ m{^HTTP/1\.1 200} or die 'Error: ', $text // 'no answer', "\n";
    return $text;
}

my @words = grep { !/^-/ } @ARGV;
my $verb = join ' ', map { $words[$_] // '' } 0, 1;
if ($verb =~ /^info/) { print ask(GET => '/info'); exit }
if ($verb eq 'kv get') { print ask(GET => "/v1/kv/$words[2]"), "\n"; exit }
if ($verb eq 'kv put') { ask(PUT => "/v1/kv/$words[2]", $words[3]); print "Success!\n"; exit }
$words[0] eq 'agent' or die "this stand-in does not know `@ARGV`\n";

# --- the agent
$| = 1;
my $config = join '', map { slurp($_) // '' } glob '/etc/consul.d/*';
my ($address) = $config =~ /bind_addr = "(.*?)"/;
my $stop = 0;
$SIG{TERM} = $SIG{INT} = sub { $stop = 1 };
$SIG{PIPE} = 'IGNORE';

sub say_log {
    my ($level, $text) = @_;
    print '    ', POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime), ".000Z [$level]  agent.server: $text\n";
}

effect('started');
print "==> Starting Consul agent...\n";
if (defined(my $peers = slurp("$data/raft/peers.json"))) {
    say_log(INFO => 'found peers.json file, recovering Raft configuration...');
    my @servers;
    push @servers, "$1 $2" while $peers =~ /"id":\s*"([^"]+)",\s*"address":\s*"([^"]+)"/g;
    if (!@servers || $peers !~ /^\s*\[.*\]\s*\z/s) {
        say_log(ERROR => 'recovery failed to parse peers.json');
        exit 1;
    }
    spew("$data/raft/config", join '', map { "$_\n" } @servers);
    unlink "$data/raft/peers.json";
    effect('ingested');
    say_log(INFO => 'deleted peers.json file after successful recovery');
}
my %servers = reverse map { split } split /\n/, slurp("$data/raft/config"); # address => id
my $rpc = IO::Socket::INET->new(LocalAddr => "$address:8300", Listen => 64, ReuseAddr => 1) or die "8300: $@\n";
my $http = IO::Socket::INET->new(LocalAddr => '127.0.0.1:8500', Listen => 64, ReuseAddr => 1) or die "8500: $@\n";
my $select = IO::Select->new($rpc, $http);
my $leader = '';

# who lives is who accepts connections; the first of a living majority leads
sub elect {
    my @alive = grep {
        $_ eq "$address:8300" || IO::Socket::INET->new(PeerAddr => $_, Timeout => 0.2)
    } sort keys %servers;
    my $now = 2 * @alive > keys %servers ? $alive[0] : '';
    return if $now eq $leader;
    say_log(INFO => 'cluster leadership lost') if $leader eq "$address:8300";
    $leader = $now;
    say_log(INFO => 'cluster leadership acquired') if $leader eq "$address:8300";
}

sub kv { my $key = shift; $key =~ s{/}{_}g; return "$data/kv.$key" }

sub answer {
    my ($method, $path, $body) = @_;
    if ($path eq '/v1/status/leader') { return (200, "\"$leader\"") }
    if ($path =~ m{^/v1/operator/raft/configuration(\?stale)?$}) {
        return (500, 'No cluster leader') unless $1 || $leader;
        my @list = map {
            qq({"ID":"$servers{$_}","Node":"node","Address":"$_","Leader":)
                . ($_ eq $leader ? 'true' : 'false') . ',"ProtocolVersion":"3","Voter":true}'
        } sort keys %servers;
        return (200, '{"Servers":[' . join(',', @list) . '],"Index":0}');
    }
    if ($path eq '/info') {
        my @list = map { "{Suffrage:Voter ID:$servers{$_} Address:$_}" } sort keys %servers;
        return (200, "raft:\n\tlast_log_index = " . slurp("$data/raft/index") . "\tlast_snapshot_index = 0\n\tlatest_configuration = [@list]\n");
    }
    if ($path eq '/v1/agent/self') {
        return (200, '{"Config":{"Datacenter":"dc1"},"Member":{"Tags":{"raft_vsn":"3"}}}');
    }
    if ($path =~ m{^/v1/kv/(.*)}) {
        return (500, 'No cluster leader') unless $leader;
        if ($method eq 'PUT') { effect("put $1"); spew(kv($1), $body); return (200, 'true') }
        my $value = slurp(kv($1));
        return defined $value ? (200, $value) : (404, "No key exists at: $1");
    }
    return (404, 'not here');
}

sub serve {
    my $client = $http->accept or return;
    my $text = '';
    my $wait = IO::Select->new($client);
    my $whole = sub {
        my ($head, $body) = split /\r\n\r\n/, $text, 2;
        return defined $body && length $body >= ($head =~ /Content-Length: (\d+)/i ? $1 : 0);
    };
    until ($whole->()) { $wait->can_read(1) && sysread($client, $text, 4096, length $text) or return }
    my ($method, $path, $sent) = $text =~ /^(\w+) (\S+).*?\r\n\r\n(.*)/s or return;
    my ($code, $body) = answer($method, $path, $sent);
    print $client "HTTP/1.1 $code X\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
}

# ten looks a second, however often the others look at us
my ($tick, $last) = (POSIX::sysconf(&POSIX::_SC_CLK_TCK) / 10, 0);
until ($stop) {
    for my $ready ($select->can_read(0.1)) {
        if ($ready == $http) { serve() }
        else { $rpc->accept }
    }
    my $now = (POSIX::times())[0];
    next if $now - $last < $tick;
    $last = $now;
    elect();
}
effect('stopped');
say_log(INFO => 'shutting down server');
