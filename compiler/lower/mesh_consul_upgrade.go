package lower

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// consulFirst are the values of the upgrade's first server alone.
const consulFirst = "consul-servers"

// consulUpgrade is the way of Consul to another release. Servers come first, one after the other, each when the ones before
// have a leader; then what runs beside them and the kinds of objects, which are templates of the chart; then the proxies,
// which a new pod gets: servers of a release serve proxies of the one before, and not the other way round (Consul,
// upgrading: servers, one at a time, then clients and their Envoy; Consul on Kubernetes, upgrade, server.updatePartition;
// hashicorp/consul-k8s v2.0.3 charts/consul/templates/server-statefulset.yaml; read 2026-11-21).
func consulUpgrade(l *lowering) *ir.Upgrade {
	m, to := &l.p.Mesh, l.s.Mesh.Upgrade.To
	u := &ir.Upgrade{Running: m.Version, To: to, After: `mesh: version: "` + to + `"`, From: ir.From{"mesh.upgrade", "mesh.kind", "mesh.version", "mesh.controlPlane", "namespaces"}}
	if len(l.p.Consul.Places) > 0 {
		u.From = append(u.From, "gateways")
	}
	if l.p.Consul.WAN != nil {
		u.Order, u.From = l.consulUpgradeOrder(), append(u.From, "federation", "name")
	}
	ahead := l.consulPrimaryAhead(to)
	running := *l.installed(consulName).Chart
	next := l.chartAt(consulName, to, l.meshProfile().Release(to).Charts.Repository)
	first := running // the running chart, with the new image for servers
	first.From = u.From
	u.Values = []ir.UpgradeValues{{Name: consulFirst, Release: first}}
	l.p.Consul.NextServers = &ir.ConsulServers{Image: "hashicorp/consul:" + to, Partition: m.Replicas - 1, From: u.From}

	set := "statefulset/" + consulServers
	leader := l.consulServer(0, "consul operator raft list-peers")
	servers := append(rolledOut(m.Namespace, set), leader)
	beside := append(rolledOut(m.Namespace, "deployment/"+consulInjector), rolledOut(consulCNINamespace, "daemonset/consul-cni")...)
	if l.p.Federation != nil {
		beside = append(beside, rolledOut(m.Namespace, "deployment/consul-mesh-gateway")...)
	}
	for i := range l.p.Consul.Ways {
		w := &l.p.Consul.Ways[i]
		u.From = append(u.From, w.From...)
		beside = append(beside, rolledOut(w.Passage.Namespace, "deployment/"+w.Passage.Name)...)
	}
	for i := range l.p.Consul.Places {
		g := l.p.Gateway(l.p.Consul.Places[i].Gateway)
		beside = append(beside, rolledOut(g.Namespace, "deployment/"+g.Release)...)
	}
	all := slices.Concat(servers, beside)
	renewed := append(rolledOut(m.Namespace, "deployment/"+consulInjector), l.consulGatewaysAnew()...)
	back := slices.Concat([]ir.UpgradeCommand{l.installed(consulName)}, renewed, l.consulWaysAnew(m.Version), all)
	snapshot := fmt.Sprintf("/consul/data/%s.snap", m.Version)

	u.Steps = []ir.UpgradeStep{
		{
			Name: "snapshot", Before: slices.Concat(servers, ahead), From: u.From,
			Doc: "Keeps what the servers know in " + snapshot + " of the first one: copy it away with kubectl cp. Servers that have gone back and do not start are led back to it.",
			Run: []ir.UpgradeCommand{l.consulServer(0, "consul snapshot save "+snapshot), l.consulServer(0, "consul snapshot inspect "+snapshot)},
		},
		{
			Name: "first-server", Before: slices.Concat(all, ahead, []ir.UpgradeCommand{l.consulServer(0, "consul snapshot inspect "+snapshot)}), From: u.From,
			Doc:  fmt.Sprintf("The last of the %d servers alone changes to the new release. The others, the injector and all proxies stay as they are. Read its log after it: it follows the leader, and tells of no error.", m.Replicas),
			Look: "No alert of Consul.",
			Run:  slices.Concat([]ir.UpgradeCommand{{Chart: &u.Values[0].Release, Values: []string{valuesOf(consulName), upgradeValues(consulFirst)}}}, servers),
			Back: back,
		},
	}
	others := ir.UpgradeStep{
		Name: "servers", Before: append(slices.Clone(servers), l.consulServer(m.Replicas-1, "consul operator raft list-peers")), From: u.From,
		Doc:  "The other servers, one after the other, each when the one before is ready and the servers have a leader. While the leader itself changes nothing is signed for some seconds.",
		Look: "Raft's list of peers has every server, and one leader.",
		Back: back,
	}
	for i := m.Replicas - 2; i >= 0; i-- {
		others.Run = append(others.Run, ir.UpgradeCommand{Args: []string{"kubectl", "--namespace", m.Namespace, "patch", "statefulset", consulServers, "--type", "merge",
			"--patch", fmt.Sprintf(`{"spec":{"updateStrategy":{"rollingUpdate":{"partition":%d}}}}`, i)}})
		others.Run = append(others.Run, rolledOut(m.Namespace, set)...)
		others.Run = append(others.Run, l.consulServer(m.Replicas-1, "consul operator raft list-peers"))
	}
	if m.Replicas > 1 {
		u.Steps = append(u.Steps, others)
	}
	u.Steps = append(u.Steps, ir.UpgradeStep{
		Name: "control-plane", Before: slices.Concat(all, ahead), From: u.From,
		Doc:  "The kinds of objects, the injector, the plug-in of the nodes, and the gateways, whose pods are replaced: connections that pass them are cut off. Pods that start from here on get the new proxy.",
		Look: "Every server runs the new release.",
		Run:  slices.Concat([]ir.UpgradeCommand{{Chart: &next, Values: []string{valuesOf(consulName)}}}, renewed, l.consulWaysAnew(to), all),
		Back: back,
	})
	u.Steps = append(u.Steps, l.consulProxySteps(u, slices.Concat(servers, beside))...)
	return u
}

// gatewaysAnew are the Deployments of API gateways of Consul. The controller writes one anew when the number of its pods, a
// port or a probe is not what it wants, and looks neither at images nor at places, sizes, or the certificate by which its
// pods know the servers (hashicorp/consul-k8s v2.0.3 control-plane/api-gateway/gatekeeper/deployment.go, compareDeployments,
// mergeDeployments and deploymentReplicas; read 2026-11-21).
func (l *lowering) gatewaysAnew() []ir.Anew {
	if l.p.Consul == nil {
		return nil
	}
	var out []ir.Anew
	for i := range l.p.Consul.Places {
		g := l.p.Gateway(l.p.Consul.Places[i].Gateway)
		out = append(out, ir.Anew{Namespace: g.Namespace, Deployment: g.Release, Replicas: g.Replicas, From: g.From})
	}
	return out
}

// consulGatewaysAnew has the controller do so: a pod more is one too many, which it takes back together with the rest.
func (l *lowering) consulGatewaysAnew() []ir.UpgradeCommand {
	var out []ir.UpgradeCommand
	for _, a := range l.gatewaysAnew() {
		of := "kubectl --namespace " + a.Namespace
		out = append(out, command(fmt.Sprintf("%s scale deployment/%s --replicas=%d", of, a.Deployment, a.Replicas+1)),
			command(fmt.Sprintf("%s wait --for jsonpath={.spec.replicas}=%d deployment/%s", of, a.Replicas, a.Deployment)))
	}
	return out
}

// consulWaysAnew waits for the terminating gateways that the controller makes: it writes them anew when it starts itself,
// with the images of its own release (hashicorp/consul-k8s v2.0.3 control-plane/controllers/configentries/
// terminatinggateway_controller.go constructDeploymentFromCRD; charts/consul/values.yaml global.imageK8S; read 2026-11-22).
func (l *lowering) consulWaysAnew(release string) []ir.UpgradeCommand {
	var out []ir.UpgradeCommand
	for i := range l.p.Consul.Ways {
		if w := &l.p.Consul.Ways[i]; w.ByController {
			out = append(out, command(fmt.Sprintf("kubectl --namespace %s wait --for jsonpath={.spec.template.spec.initContainers[0].image}=hashicorp/consul-k8s-control-plane:%s deployment/%s",
				w.Passage.Namespace, release, w.Passage.Name)))
		}
	}
	return out
}

// consulProxySteps restart the pods that have a proxy, a namespace at a time; those that are not production come first.
func (l *lowering) consulProxySteps(u *ir.Upgrade, before []ir.UpgradeCommand) []ir.UpgradeStep {
	var out, production []ir.UpgradeStep
	for i := range l.p.Namespaces {
		n := &l.p.Namespaces[i]
		if n.Purpose != "services" || !n.Meshed {
			continue
		}
		s := ir.UpgradeStep{Name: "proxies-" + n.Name, Before: before, From: append(u.From[:len(u.From):len(u.From)], n.From...),
			Doc:  "Pods of " + n.Name + " start anew, with the new proxy. Until then the old one goes on, with what the new servers send it.",
			Look: "The pods of the namespace may restart now."}
		for k := range l.p.Services {
			if w := &l.p.Services[k]; w.Meshed && w.Namespace == n.Name && slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, w.Workload) {
				of := "kubectl --namespace " + n.Name + " rollout %s " + strings.ToLower(w.Workload) + " --selector " + ir.SelectorText(w.Labels)
				s.Run = append(s.Run, command(fmt.Sprintf(of, "restart")), command(fmt.Sprintf(of, "status")))
			}
		}
		switch {
		case len(s.Run) == 0: // jobs, whose next pods have it
		case n.Environment == "production":
			production = append(production, s)
		default:
			out = append(out, s)
		}
	}
	return append(out, production...)
}

// consulServer asks one server, by the token that the chart gives its pods.
func (l *lowering) consulServer(i int, line string) ir.UpgradeCommand {
	return ir.UpgradeCommand{Args: []string{"kubectl", "--namespace", l.p.Mesh.Namespace, "exec", fmt.Sprintf("%s-%d", consulServers, i), "--container", "consul", "--",
		"sh", "-c", `CONSUL_HTTP_TOKEN="$` + l.consulToken() + `" ` + line}}
}
