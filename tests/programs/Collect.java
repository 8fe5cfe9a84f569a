// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Collect - full collections of a Java VM, each with more kept than the one before, and what Runtime says is
// used right after each: {"event":"step","used":BYTES}. As workloads/protocol.h has it.

import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;

public class Collect {
	private static final int STEPS = 3;
	private static volatile byte[] garbage; // or the compiler may leave it out

	private static void step(List<byte[]> kept, boolean said) {
		for (int i = 0; i < 200; i++) {
			kept.add(new byte[50000]);
			for (int j = 0; j < 20; j++)
				garbage = new byte[10000];
		}
		System.gc();
		long used = Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
		System.out.println("{\"event\":\"" + (said ? "step" : "warm") + "\",\"used\":" + used + "}");
	}

	public static void main(String[] args) {
		Scanner in = new Scanner(System.in);
		List<byte[]> kept = new ArrayList<>();

		step(kept, false); // what the VM loads meanwhile is no noise later
		System.out.println("{\"event\":\"ready\",\"pid\":" + ProcessHandle.current().pid() + "}");
		in.nextLine();
		for (int i = 0; i < STEPS; i++)
			step(kept, true);
		System.out.println("{\"event\":\"done\"}");
		while (in.hasNextLine())
			in.nextLine();
	}
}
