package lower

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// Datacenters of a federation are upgraded one after the other, the primary first, and in each of them servers before what they
// serve (Consul, upgrade multiple federated datacenters: hashicorp/consul website/content/docs/upgrade/federated.mdx). A
// secondary copies the kinds of entries that it knows, so that an older one leaves alone what is new; what its chart and its
// controller write goes to the primary's servers, and they must know it (agent/consul/config_replication.go
// fetchConfigEntries, config_endpoint.go Apply; hashicorp/consul-k8s v2.0.3 control-plane/subcommand/server-acl-init; read
// 2026-11-22).

// consulToken is the variable of the servers' pods with the token that the chart gives them: the first one of the access
// lists, or the one of the replication, which may write access lists too, and so take snapshots (hashicorp/consul-k8s v2.0.3
// charts/consul/templates/server-statefulset.yaml, control-plane/subcommand/server-acl-init/rules.go aclReplicationRules;
// hashicorp/consul v1.22.0 acl/policy_authorizer.go Snapshot; read 2026-11-22).
func (l *lowering) consulToken() string {
	if w := l.p.Consul.WAN; w != nil && w.Secondary {
		return "ACL_REPLICATION_TOKEN"
	}
	return "ACL_BOOTSTRAP_TOKEN"
}

// consulPrimaryAhead is what a secondary asks before it changes: does every server of the primary run the release, and are
// the access lists copied from there. A server that has left for good is listed for some days. Nothing, where the site is no secondary
// (command/members/members.go standardOutput; agent/acl_endpoint.go ACLReplicationStatus, whose answer is the leader's; the
// image has awk, curl and jq: Dockerfile; read 2026-11-22).
func (l *lowering) consulPrimaryAhead(to string) []ir.UpgradeCommand {
	w := l.p.Consul.WAN
	if w == nil || !w.Secondary {
		return nil
	}
	return []ir.UpgradeCommand{
		l.consulServer(0, fmt.Sprintf(`consul members -wan | awk -v dc=%s -v to=%s "\$7 == dc && \$3 !~ /left/ {n++; if (\$3 !~ /^alive/ || \$5 != to) {print; bad = 1}} END {exit (bad || !n)}"`, w.Primary, to)),
		l.consulServer(0, `curl --silent --show-error --fail --cacert "$CONSUL_CACERT" "$CONSUL_HTTP_ADDR/v1/acl/replication" | jq --exit-status ".Enabled and .Running and .LastError <= .LastSuccess"`),
	}
}

// consulUpgradeOrder says which site is upgraded when; "" where there is one.
func (l *lowering) consulUpgradeOrder() string {
	w := l.p.Consul.WAN
	if w == nil {
		return ""
	}
	if w.Secondary {
		return "The datacenters of the federation are upgraded one after the other, and the primary, site " + w.Primary + ", first, to its last step. " +
			"Until all of its servers run the new release no step here begins that changes the servers or the chart."
	}
	var others []string
	for _, p := range l.p.Federation.Peers {
		others = append(others, p.Name)
	}
	return "The datacenters of the federation are upgraded one after the other, and this one, the primary, first, to its last step. Then " + strings.Join(others, ", then ") +
		". Servers there may be older than those here meanwhile, and never newer: what they are told is written here. A way back here is open until the first of them has begun."
}
