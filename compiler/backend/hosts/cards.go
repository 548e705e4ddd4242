package hosts

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const (
	cardsPath     = "/etc/meshgen/cards.sh"
	cardsUnit     = "meshgen-cards.service"
	cardsUnitPath = "/etc/systemd/system/" + cardsUnit
)

// cards writes a script that sets up the network cards of a group, and the systemd unit that runs it.
//
// A .link file of systemd would set rings too, and has two faults here: the first file that matches a card is the only one,
// so that it would take the place of the file that names the card; and it matches the name before that, eth0, whose order
// nobody promises. For the steering of packets it has no option: queues are folders of /sys, as many as the driver makes.
// Read in systemd.link(5) of systemd 252 and in the kernel's networking/scaling.rst, 2026-11-21.
func cards(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	if g.Cards == nil {
		return
	}
	cardsScript(p, t, g)
	cardsService(p, t, g)
}

func cardsFile(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, name string) *artifact.File {
	f := t.File(dir(p)+"/"+g.Name+name, slices.Concat(g.From, g.Cards.From, p.From)...)
	f.Header("#", p.Name)
	return f
}

func cardsScript(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	f, c := cardsFile(p, t, g, cardsPath), g.Cards
	lines(f,
		"# Sets up the network cards. Run at boot by "+cardsUnit+"; at once: systemctl restart meshgen-cards",
		"# Nothing undoes it before the machine starts again.",
		"set -u",
		"cards=${MESHGEN_CARDS:-/sys/class/net}",
		"failed=0",
	)
	if c.RX > 0 {
		sizes := fmt.Sprintf("rx %d", c.RX)
		if c.TX > 0 {
			sizes += fmt.Sprintf(" tx %d", c.TX)
		}
		lines(f,
			"",
			"# A driver may take the link down to change its rings: the next card waits until this one is back, and if it stays away",
			"# the others are left alone. 80 is what ethtool answers where it finds them so by itself; a kernel that compares changes nothing.",
			"ring() {",
			`    linked=$(cat "$cards/$1/carrier" 2>/dev/null)`,
			`    ethtool -G "$1" `+sizes,
			"    case $? in 0 | 80) ;; *) return 1 ;; esac",
			`    [ "$linked" = 1 ] || return 0`,
			"    for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do",
			"        sleep 1",
			`        [ "$(cat "$cards/$1/carrier" 2>/dev/null)" = 1 ] && return 0`,
			"    done",
			`    echo "$1: no link for $second s after its rings were changed"`,
			"    exit 1",
			"}",
		)
	}
	if c.Mask != "" {
		lines(f,
			"",
			"# All logical CPUs of the class, hyperthreads among them. The kernel refuses CPUs that the machine cannot have.",
			"steer() {",
			"    card=$1",
			`    set -- "$cards/$card/queues"/rx-*`,
			"    for queue; do",
			`        echo `+c.Mask+` >"$queue/rps_cpus" || return 1`,
		)
		if c.Flows > 0 {
			lines(f, fmt.Sprintf(`        echo $((%d / $#)) >"$queue/rps_flow_cnt" || return 1`, c.Flows))
		}
		lines(f, "    done", "}")
	}
	var steps string
	if c.RX > 0 {
		steps += ` && ring "$card"`
	}
	if c.Mask != "" {
		steps += ` && steer "$card"`
	}
	lines(f,
		"",
		"for card in "+strings.Join(c.Names, " ")+"; do",
		`    if [ -e "$cards/$card" ]`+steps+`; then continue; fi`,
		`    echo "$card: not set up"`,
		"    failed=1",
		"done",
		"exit $failed",
	)
}

func cardsService(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	f := cardsFile(p, t, g, cardsUnitPath)
	var devices []string
	for _, name := range g.Cards.Names {
		devices = append(devices, "sys-subsystem-net-devices-"+strings.ReplaceAll(name, "-", `\x2d`)+".device")
	}
	all := strings.Join(devices, " ")
	lines(f,
		"# Once: systemctl daemon-reload && systemctl enable --now meshgen-cards. What a card refuses makes the unit fail.",
		"[Unit]",
		"Description=Network cards as meshgen sets them up",
		"Wants="+all,
		"After="+all+" systemd-sysctl.service",
		"",
		"[Service]",
		"Type=oneshot",
		"RemainAfterExit=yes",
		"ExecStart=/bin/sh "+cardsPath,
		"",
		"[Install]",
		"WantedBy=multi-user.target",
	)
}
