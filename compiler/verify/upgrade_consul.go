package verify

import (
	"encoding/json"
	"slices"
	"strings"
)

// checkConsulUpgrade: one server alone runs the next release at first, and each of the others follows by itself.
func (p *pass) checkConsulUpgrade(u *upgradeScript) {
	v, _ := p.consulValues()
	if v == nil {
		return
	}
	replicas, _ := integer(v.value, "server", "replicas")
	for _, name := range sortedKeys(p.upgradeValues) {
		w := p.upgradeValues[name]
		if n, ok := integer(w.value, "server", "updatePartition"); !ok || n != replicas-1 {
			w.report(p, ruleConsul, fieldPathOf([]string{"server", "updatePartition"}), "of %d servers more than one would change at first, or none", replicas)
		}
		if image, to := str(w.value, "server", "image"), p.releases.Upgrade.Charts[v.release].Version; !strings.HasSuffix(image, ":"+to) {
			w.report(p, ruleConsul, fieldPathOf([]string{"server", "image"}), "it is not that of release %s", to)
		}
	}
	next := replicas - 2
	for i, c := range u.calls {
		at := slices.Index(c.args, "--patch")
		if at < 0 || c.kind != "does" {
			continue
		}
		var patch struct {
			Spec struct {
				UpdateStrategy struct {
					RollingUpdate struct{ Partition *int64 }
				}
			}
		}
		err := json.Unmarshal([]byte(c.args[at+1]), &patch)
		part := patch.Spec.UpdateStrategy.RollingUpdate.Partition
		if err != nil || part == nil || *part != next {
			p.report(u.file, c.line, ruleConsul, "the next server is number %d", next)
		}
		if next--; i+1 == len(u.calls) || !strings.HasPrefix(plain(u.calls[i+1].args), "kubectl rollout status statefulset/") {
			p.report(u.file, c.line, ruleConsul, "nobody waits for the server")
		}
	}
	if next != -1 {
		p.report(u.file, 0, ruleConsul, "server %d keeps the release that runs", next)
	}
	p.checkUpgradeOrder(u, v)
	for _, o := range p.objects {
		if o.is(consulGroup, "TerminatingGateway") {
			p.checkUpgradeWay(u, o)
		}
	}
	// The controller of API gateways looks at no image: it writes a Deployment anew when its replicas are not what it wants.
	for _, o := range p.objects {
		if o.is("gateway.networking.k8s.io", "Gateway") && strings.HasPrefix(str(o.value, "spec", "gatewayClassName"), "consul-") && !slices.ContainsFunc(u.calls, func(c upgradeCall) bool {
			return c.kind == "does" && slices.Contains(c.args, o.namespace) && strings.HasPrefix(plain(c.args), "kubectl scale deployment/"+o.name)
		}) {
			p.report(u.file, 0, ruleConsul, "the pods of %s keep the release that runs", o)
		}
	}
}

// checkUpgradeWay: after a change of the chart, forwards or back, the pods that lead out are waited for; those that the
// controller makes once it has written the image of its own release.
func (p *pass) checkUpgradeWay(u *upgradeScript, o *object) {
	for i, c := range u.calls {
		release, ok := chartCall(c)
		if !ok || c.kind == "check" || len(c.args) > 3 && strings.Contains(strings.Join(c.args, " "), "/upgrade/") {
			continue // of the first server alone
		}
		version := p.releases.Upgrade.Charts[release].Version
		if c.kind == "back" {
			version = p.releases.Charts[release].Version
		}
		waited, written := false, !consulMakes(o)
		for _, after := range u.calls[i:] {
			if after.step != c.step || after.kind != c.kind {
				continue
			}
			line := strings.Join(after.args, " ")
			if strings.Contains(line, " wait ") && strings.HasSuffix(line, " deployment/consul-"+o.name) && strings.Contains(line, ".initContainers[0].image}=") && strings.Contains(line, ":"+version+" ") {
				written = true
			}
			waited = waited || written && strings.Contains(line, " rollout status deployment/consul-"+o.name)
		}
		if !waited {
			p.report(u.file, c.line, ruleConsul, "nobody waits for the pods of %s", o)
		}
	}
}

// checkUpgradeOrder: servers are asked by a token that their pods have; and in a secondary no chart changes before the servers of
// the primary run what it leads to.
func (p *pass) checkUpgradeOrder(u *upgradeScript, v *values) {
	token := "$ACL_BOOTSTRAP_TOKEN"
	if consulIsSecondary(v) {
		token = "$ACL_REPLICATION_TOKEN"
	}
	asks := map[string]bool{} // steps that ask the primary
	primary, to := str(v.value, "global", "federation", "primaryDatacenter"), p.releases.Upgrade.Charts[v.release].Version
	for _, c := range u.calls {
		line := strings.Join(c.args, " ")
		if strings.Contains(line, "CONSUL_HTTP_TOKEN=") && !strings.Contains(line, token) {
			p.report(u.file, c.line, ruleConsul, "pods of servers here have the token %s alone", token)
		}
		if c.kind == "check" && strings.Contains(line, "consul members -wan | ") && strings.Contains(line, " -v dc="+primary+" -v to="+to+" ") {
			asks[c.step] = true
		}
		if _, ok := chartCall(c); ok && c.kind == "does" && consulIsSecondary(v) && !asks[c.step] {
			p.report(u.file, c.line, ruleConsul, "step %s does not ask whether the servers of %s run release %s", c.step, primary, to)
		}
	}
}
