package hosts

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// applyScript runs in every pod. Its programs were read in busybox 1.36 and in util-linux 2.38 and systemd 252 of
// Debian 12, 2026-11-21: nsenter takes its short options in both, and systemctl in the namespaces of the first process
// knows nothing of a pod. Kernel settings of the network and the size of the connection table belong to a network
// namespace, so that all of it is done in the machine's.
//
//go:embed apply.sh
var applyScript string

const (
	scriptMap    = "script"
	scriptKey    = "apply.sh"
	filesPrefix  = "files-" // so that no group takes the name of the script
	planKey      = "plan"
	revisionKey  = "revision"
	applyLabel   = "app.kubernetes.io/name"
	instanceKey  = "app.kubernetes.io/instance"
	scriptFolder = "/meshgen/script"
	filesFolder  = "/meshgen/files"
	stateFolder  = "/meshgen/state"
)

const daemonSetsComment = `Each machine's files, by a pod of its own. A change goes from machine to machine: the next pod is replaced when the last
one has written the files and had them read. The first time all of a group start at once.
These pods may do everything on their machines. Who may write to this namespace is root there.`

// bundle is what a group's ConfigMap holds.
type bundle struct {
	group    *ir.HostGroup
	plan     string
	files    []*artifact.File
	keys     []string // of files
	revision string
	from     []string
}

// daemonSets writes the script, and for each group of form daemonset its files and the pods that put them in place.
func daemonSets(p *ir.Plan, t *artifact.Tree, c carriage) {
	h := p.HostPods
	if h == nil {
		return
	}
	maps := backend.NewWriter(p, t, backend.Hosts, "ConfigMap")
	maps.Add(backend.Meta{APIVersion: "v1", Namespace: h.Namespace, Name: scriptMap, From: slices.Concat(p.From, h.From)}, func(y *artifact.YAML) {
		y.Map("data", func() { y.Block(scriptKey, applyScript) })
	})
	groups := make(map[string]*ir.HostGroup, len(p.Groups))
	for i := range p.Groups {
		groups[p.Groups[i].Name] = &p.Groups[i]
	}
	backend.Objects(p, t, backend.Hosts, "DaemonSet").Comment(daemonSetsComment)
	pods := backend.NewWriter(p, t, backend.Hosts, "DaemonSet")
	for i := range h.Groups {
		b := bundleOf(p, groups[h.Groups[i].Group], c)
		b.from = append(b.from, h.Groups[i].From...)
		maps.Add(backend.Meta{APIVersion: "v1", Namespace: h.Namespace, Name: filesPrefix + b.group.Name, From: b.from}, func(y *artifact.YAML) { filesData(y, b) })
		labels := []ir.KV{{Key: applyLabel, Value: h.Namespace}, {Key: instanceKey, Value: b.group.Name}}
		pods.Add(backend.Meta{APIVersion: "apps/v1", Namespace: h.Namespace, Name: b.group.Name, Labels: labels, From: b.from}, func(y *artifact.YAML) {
			daemonSet(y, h, &h.Groups[i], b, labels)
		})
	}
}

// bundleOf collects the files of a group in the order in which they are written and read.
func bundleOf(p *ir.Plan, g *ir.HostGroup, c carriage) *bundle {
	b := &bundle{group: g, files: slices.Clone(c.of(g)), from: append(p.From[:len(p.From):len(p.From)], g.From...)}
	slices.SortStableFunc(b.files, func(a, c *artifact.File) int { return rank(g, onHost(p, g, a)) - rank(g, onHost(p, g, c)) })
	var plan strings.Builder
	sum := sha256.New()
	for _, f := range b.files {
		path := onHost(p, g, f)
		key := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")
		b.keys = append(b.keys, key)
		plan.WriteString(key + " " + path + " " + action(g, path) + "\n")
		b.from = append(b.from, f.Origins()...)
	}
	b.from = append(b.from, "kubernetes.distribution")
	b.plan = plan.String()
	sum.Write([]byte(applyScript + b.plan))
	for _, f := range b.files {
		sum.Write(f.Bytes())
	}
	b.revision = hex.EncodeToString(sum.Sum(nil))[:32]
	return b
}

// action is what a change of the file leads to, in the words of the script: an action, and a service where it has one.
func action(g *ir.HostGroup, path string) string {
	switch n := notify(g, path); n {
	case loadModules:
		return "modules -"
	case resizeTable:
		return "table -"
	case applySysctls:
		return "sysctls -"
	case loadFilter:
		return "unit " + filterUnit
	case loadSources:
		return "unit " + sourcesUnit
	case setUpCards:
		return "unit " + cardsUnit
	case "":
		return "none -"
	}
	if path == g.Time.Path || path == g.Time.OptionsFile {
		return "restart " + g.TimeUnit
	}
	return "notice " + g.Unit
}

func filesData(y *artifact.YAML, b *bundle) {
	y.Map("data", func() {
		y.From("", b.from...)
		y.KV(revisionKey, b.revision)
		y.Block(planKey, b.plan)
		for i, f := range b.files {
			y.From("", append(f.Origins(), "kubernetes.distribution")...)
			y.Block(b.keys[i], string(f.Bytes()))
		}
	})
}

func daemonSet(y *artifact.YAML, h *ir.HostPods, nodes *ir.HostPodsGroup, b *bundle, labels []ir.KV) {
	y.Map("spec", func() {
		y.Map("selector", func() { backend.Pairs(y, "matchLabels", labels) })
		y.Map("updateStrategy", func() {
			y.KV("type", "RollingUpdate")
			y.Map("rollingUpdate", func() { y.KV("maxUnavailable", 1) })
		})
		y.Map("template", func() {
			y.Map("metadata", func() { backend.Pairs(y, "labels", labels) })
			y.Map("spec", func() { applyPod(y, h, nodes, b) })
		})
	})
}

func applyPod(y *artifact.YAML, h *ir.HostPods, nodes *ir.HostPodsGroup, b *bundle) {
	y.Comment("The machine's network: neither the pod network nor the mesh is needed to mend what they need.")
	y.KV("hostNetwork", true)
	y.Comment("The first process is the machine's: in its namespaces modules are loaded and services restarted.")
	y.KV("hostPID", true)
	y.KV("automountServiceAccountToken", false)
	y.KV("priorityClassName", backend.NodeCritical)
	if h.PullSecret != "" {
		y.From("", h.From...)
		y.Seq("imagePullSecrets", func() { y.Item(func() { y.KV("name", h.PullSecret) }) })
	}
	y.Fixed()
	y.Seq("tolerations", func() { y.Item(func() { y.KV("operator", "Exists") }) })
	y.From("", nodes.Nodes.From...)
	backend.Nested(y, []string{"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}, func() {
		y.Seq("nodeSelectorTerms", func() { y.Item(func() { backend.Expressions(y, nodes.Nodes) }) })
	})
	y.Fixed()
	y.Seq("containers", func() { y.Item(func() { applyContainer(y, h, b) }) })
	y.Seq("volumes", func() {
		volume := func(name string, body func()) {
			y.Item(func() {
				y.KV("name", name)
				body()
			})
		}
		volume("script", func() { y.Map("configMap", func() { y.KV("name", scriptMap) }) })
		volume("files", func() { y.Map("configMap", func() { y.KV("name", filesPrefix+b.group.Name) }) })
		volume("state", func() { y.Map("emptyDir", func() { y.KV("medium", "Memory") }) })
		volume("host", func() {
			y.Map("hostPath", func() {
				y.KV("path", "/")
				y.KV("type", "Directory")
			})
		})
	})
}

func applyContainer(y *artifact.YAML, h *ir.HostPods, b *bundle) {
	y.KV("name", "apply")
	y.From("", h.From...)
	y.KV("image", h.Image)
	y.Fixed()
	y.KV("command", []string{"/bin/sh", scriptFolder + "/" + scriptKey})
	y.Seq("env", func() {
		e := backend.Env{YAML: y}
		y.Comment("Of the files that this pod writes: with each other one the pods are replaced.")
		y.From("", b.from...)
		e.Set("MESHGEN_REVISION", b.revision)
		y.Fixed()
		e.Set("MESHGEN_INTERVAL", strconv.Itoa(h.RecheckSecs))
	})
	y.Map("securityContext", func() {
		y.KV("privileged", true)
		y.KV("readOnlyRootFilesystem", true)
	})
	y.Map("readinessProbe", func() {
		y.Map("exec", func() { y.KV("command", []string{"/bin/sh", "-c", "test -e " + stateFolder + "/applied"}) })
		y.KV("periodSeconds", 5)
	})
	backend.Resources(y, h.Resources)
	y.Seq("volumeMounts", func() {
		mount := func(name, path string, readOnly bool) {
			y.Item(func() {
				y.KV("name", name)
				y.KV("mountPath", path)
				if readOnly {
					y.KV("readOnly", true)
				}
			})
		}
		mount("script", scriptFolder, true)
		mount("files", filesFolder, true)
		mount("state", stateFolder, false)
		mount("host", "/host", false)
	})
}
