package hosts

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// cloudInit writes user-data for the first boot of a group's machines. Files are written before packages are installed,
// which leave a file that is there as it is; commands run last, when modules and settings of this boot are applied already.
func cloudInit(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, carried []*artifact.File) {
	f := t.File(dir(p)+"/"+g.Name+"/cloud-init.yaml", g.From...)
	f.Line("#cloud-config")
	f.Header("#", p.Name)
	comments(f,
		"User-data of a machine's first boot: cloud-init reads it once for an instance, and a change here reaches machines that",
		"run by another form or by installing them again. Merge it with what brings users, keys and Kubernetes.")
	y := f.YAML()
	if len(g.Packages) > 0 {
		y.From("", packagesFrom(g)...)
		y.KV("packages", g.Packages)
	}
	y.Fixed()
	y.Seq("write_files", func() {
		for _, c := range carried {
			y.From("", append(c.Origins(), "kubernetes.distribution")...) // it decides which files there are
			y.Item(func() {
				y.KV("path", onHost(p, g, c))
				y.KV("owner", "root:root")
				y.KV("permissions", "0644")
				y.Block("content", string(c.Bytes()))
			})
		}
	})
	y.Fixed()
	y.Comment("Modules first: a setting of a module that is not loaded is skipped without an error. The service that runs the kubelet\nis not restarted: it reads its files when it starts for the first time.")
	y.Seq("runcmd", func() {
		command(y, "systemctl", "restart", "systemd-modules-load.service")
		command(y, "systemctl", "restart", "systemd-sysctl.service")
		if g.TimeUnit != "" {
			y.From("", g.Time.From...)
			command(y, "systemctl", "restart", g.TimeUnit)
		}
		for i, u := range ownUnits(g) {
			y.From("", u.from...)
			if i == 0 {
				command(y, "systemctl", "daemon-reload")
			}
			command(y, "systemctl", "enable", "--now", u.name)
		}
	})
}

// command writes one command as a string: cloud-init gives it to a shell.
func command(y *artifact.YAML, words ...string) { y.Elem(strings.Join(words, " ")) }

// packagesFrom is where the packages of a group come from: without a filter too, because the site might have asked for one.
func packagesFrom(g *ir.HostGroup) ir.From {
	return append(g.Time.From[:len(g.Time.From):len(g.Time.From)], "fabric.hostFirewall", "gateways", "nodeClasses")
}

// ownUnit is a systemd unit among the files of a group.
type ownUnit struct {
	name string
	from ir.From
}

// ownUnits lists the units that a group's files bring: each is to be enabled once.
func ownUnits(g *ir.HostGroup) (out []ownUnit) {
	if g.Firewall != nil {
		out = append(out, ownUnit{filterUnit, g.Firewall.From})
	}
	if g.SourceNAT != nil {
		out = append(out, ownUnit{sourcesUnit, g.SourceNAT.From})
	}
	if g.Cards != nil {
		out = append(out, ownUnit{cardsUnit, g.Cards.From})
	}
	return out
}
