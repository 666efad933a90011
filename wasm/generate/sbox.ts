/**
 * AES's S-box as a circuit of AND and XOR over the eight bits of a byte, so that a machine word holds one bit of as many
 * bytes as it is wide. J. Boyar and R. Peralta, "A new combinational logic minimization technique with applications to
 * cryptology" (SEA 2010): 113 gates, of which four complements are left out here: the round keys carry them.
 */
import { Code, range } from './code.ts';

/** The two operations that the circuit needs. */
export interface Logic {
  readonly xor: (a: string, b: string) => string;
  readonly and: (a: string, b: string) => string;
}

/** x0 is the most significant bit in, s0 out. */
const FORWARD = `
y14=x3^x5 y13=x0^x6 y9=x0^x3 y8=x0^x5 t0=x1^x2 y1=t0^x7 y4=y1^x3 y12=y13^y14 y2=y1^x0 y5=y1^x6 y3=y5^y8 t1=x4^y12
y15=t1^x5 y20=t1^x1 y6=y15^x7 y10=y15^t0 y11=y20^y9 y7=x7^y11 y17=y10^y11 y19=y10^y8 y16=t0^y11 y21=y13^y16 y18=x0^y16
MIDDLE
t46=z15^z16 t47=z10^z11 t48=z5^z13 t49=z9^z10 t50=z2^z12 t51=z2^z5 t52=z7^z8 t53=z0^z3 t54=z6^z7 t55=z16^z17
t56=z12^t48 t57=t50^t53 t58=z4^t46 t59=z3^t54 t60=t46^t57 t61=z14^t57 t62=t52^t58 t63=t49^t58 t64=z4^t59 t65=t61^t62
t66=z1^t63 s0=t59^t63 s6=t56^t62 s7=t48^t60 t67=t64^t65 s3=t53^t66 s4=t51^t66 s5=t47^t65 s1=t64^s3 s2=t55^t67`;

/**
 * The inverse: the affine map is undone first, so the layers around the inversion are other linear maps, found by the same
 * authors' greedy search for few XORs. w0 is the most significant bit in.
 */
const INVERSE = `
y5=w3^w1 y19=w7^w4 y8=w1^w0 y9=w4^w3 y10=y19^y8 y1=w7^y9 y3=w3^w0 y13=w6^y1 y2=y5^y13 y14=y8^y9 y4=y9^y2 y7=w2^y4
y6=w4^y14 y21=w6^y7 y18=w2^y9 y16=y1^y7 y12=y3^y4 a0=w5^w0 x7=w2^a0 y11=y4^a0 y17=y10^y11 y15=y6^x7 y20=y9^y11
MIDDLE
b0=z12^z16 b1=z3^z5 b2=z6^z15 b3=b2^z8 b4=b3^b0 b5=b4^b1 s0=b5^z13 b7=z0^b1 b8=z17^z11 b9=z2^b7 b10=z9^b8 b11=z4^z5
b12=b11^s0 b13=z1^b7 s5=b13^b12 b15=z10^b9 b16=z7^z8 s6=b16^b12 b18=z14^z11 b19=b18^s5 b20=b19^b15 s7=z15^b10
b21=z16^b8 b22=b21^b15 s4=b22^s6 s3=s0^b9 s2=z13^b20 b23=b0^b10 s1=b23^b20`;

/** Inversion in the tower field: shared by the S-box and its inverse. */
const MIDDLE = `
t2=y12&y15 t3=y3&y6 t4=t3^t2 t5=y4&x7 t6=t5^t2 t7=y13&y16 t8=y5&y1 t9=t8^t7 t10=y2&y7 t11=t10^t7 t12=y9&y11 t13=y14&y17
t14=t13^t12 t15=y8&y10 t16=t15^t12 t17=t4^t14 t18=t6^t16 t19=t9^t14 t20=t11^t16 t21=t17^y20 t22=t18^y19 t23=t19^y21
t24=t20^y18 t25=t21^t22 t26=t21&t23 t27=t24^t26 t28=t25&t27 t29=t28^t22 t30=t23^t24 t31=t22^t26 t32=t31&t30 t33=t32^t24
t34=t23^t33 t35=t27^t33 t36=t24&t35 t37=t36^t34 t38=t27^t36 t39=t29&t38 t40=t25^t39 t41=t40^t37 t42=t29^t33 t43=t29^t40
t44=t33^t37 t45=t42^t41 z0=t44&y15 z1=t37&y6 z2=t33&x7 z3=t43&y16 z4=t40&y1 z5=t29&y7 z6=t42&y11 z7=t45&y17 z8=t41&y10
z9=t44&y12 z10=t37&y3 z11=t33&y4 z12=t43&y13 z13=t40&y5 z14=t29&y2 z15=t42&y9 z16=t45&y14 z17=t41&y8`;

/** The S-box without its constant on eight planes, least significant bit first. */
export function sbox(code: Code, slicing: Logic, planes: readonly string[]): string[] {
  return circuit(code, slicing, planes, FORWARD.replace('MIDDLE', MIDDLE));
}

/** The S-box's inverse, of bytes to which the constant has already been added. */
export function inverseSbox(code: Code, slicing: Logic, planes: readonly string[]): string[] {
  return circuit(code, slicing, planes, INVERSE.replace('MIDDLE', MIDDLE));
}

function circuit(code: Code, slicing: Logic, planes: readonly string[], gates: string): string[] {
  const names = new Map<string, string>();
  planes.forEach((plane, i) => {
    names.set(`x${7 - i}`, plane);
    names.set(`w${7 - i}`, plane);
  });
  for (const gate of gates.trim().split(/\s+/)) {
    const [, to, a, operation, b] = /^(\w+)=(\w+)([\^&])(\w+)$/.exec(gate)!;
    const apply = operation === '&' ? slicing.and : slicing.xor;
    names.set(to!, code.let(apply(names.get(a!)!, names.get(b!)!)));
  }
  return planes.map((_, i) => names.get(`s${7 - i}`)!);
}

/** wasm/assembly/generated/aes-sbox.ts: the S-box for the key schedule, of four bytes at once. */
export function sboxOfWord(): string {
  const code = new Code();
  const slicing = {
    xor: (a: string, b: string) => `${a} ^ ${b}`,
    and: (a: string, b: string) => `${a} & ${b}`,
  };
  const planes = range(8).map((i) => code.let(`(word >> ${i}) & 0x01010101`));
  const out = sbox(code, slicing, planes);
  const joined = out.map((plane, i) => `(${plane} << ${i})`).join(' | ');
  return `/** AES's S-box as a circuit. */

/** The S-box of each byte of a word. */
export function substituteBytes(word: u32): u32 {
${code.text()}
  return (${joined}) ^ 0x63636363;
}
`;
}
