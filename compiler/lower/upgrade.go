package lower

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// upgrade is the way of a mesh with one control plane to the release of mesh.upgrade.
func (l *lowering) upgrade() {
	if way := l.meshKind().upgrade; l.s.Mesh.Upgrade != nil && way != nil {
		l.p.Upgrade = way(l)
	}
}

// valuesOf is the file with the values of a release of the tree.
func valuesOf(release string) string { return release + "/values.yaml" }

// upgradeValues is the file with values that only steps take.
func upgradeValues(name string) string { return "upgrade/" + name + "/values.yaml" }

// chartAt is the release of the tree at another version of its chart, out of the repository in which its project has that.
func (l *lowering) chartAt(name, version, repository string) ir.Release {
	i := slices.IndexFunc(l.p.Releases, func(r ir.Release) bool { return r.Name == name })
	r := l.p.Releases[i]
	r.Version, r.Repository, r.From = version, repository, append(r.From[:len(r.From):len(r.From)], "mesh.upgrade")
	l.mirrorRelease(&r, chartImages{}) // its images have the same names
	return r
}

// installed is the command that brings the release of the tree itself: the way back of every chart.
func (l *lowering) installed(name string) ir.UpgradeCommand {
	i := slices.IndexFunc(l.p.Releases, func(r ir.Release) bool { return r.Name == name })
	return ir.UpgradeCommand{Chart: &l.p.Releases[i], Values: []string{valuesOf(name)}}
}

// command is one that runs a program.
func command(line string) ir.UpgradeCommand { return ir.UpgradeCommand{Args: strings.Fields(line)} }

// rolledOut waits for workloads of a namespace, each as "daemonset/cilium".
func rolledOut(namespace string, workloads ...string) []ir.UpgradeCommand {
	var out []ir.UpgradeCommand
	for _, w := range workloads {
		out = append(out, command("kubectl --namespace "+namespace+" rollout status "+w))
	}
	return out
}
