import type { Camera } from "./camera";

const kVertex = `#version 300 es
in vec2 position;
in vec4 colour;
uniform vec4 view;
uniform float size;
out vec4 shade;
void main() {
  gl_Position = vec4(position * view.xy + view.zw, 0.0, 1.0);
  gl_PointSize = size;
  shade = colour;
}`;

const kFragment = `#version 300 es
precision highp float;
in vec4 shade;
uniform float size;
out vec4 result;
void main() {
  // A round dot with an edge one pixel soft.
  float edge = (0.5 - length(gl_PointCoord - 0.5)) * size + 0.5;
  float alpha = shade.a * clamp(edge, 0.0, 1.0);
  result = vec4(shade.rgb * alpha, alpha);
}`;

/** Draws all points. Colours are red, green, blue and opacity of each. */
export interface Renderer {
  /** The last of `order` is drawn on top. */
  paint(colours: Uint8Array, order: Uint32Array): void;
  /** `size` is the width of a dot in pixels of the canvas. */
  draw(camera: Camera, size: number): void;
  /** Makes all again that a lost context took away. */
  build(): void;
}

/** With WebGL 2 where the browser has it, as a plain drawing otherwise, which is slower. */
export function createRenderer(canvas: HTMLCanvasElement, positions: Float32Array): Renderer {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
  return gl ? new GpuRenderer(gl, positions) : new FlatRenderer(canvas.getContext("2d")!, positions);
}

class GpuRenderer implements Renderer {
  private view: WebGLUniformLocation | null = null;
  private size: WebGLUniformLocation | null = null;
  private colourBuffer: WebGLBuffer | null = null;
  private orderBuffer: WebGLBuffer | null = null;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly positions: Float32Array,
  ) {
    this.build();
  }

  build(): void {
    const gl = this.gl;
    const program = gl.createProgram()!;
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, kVertex],
      [gl.FRAGMENT_SHADER, kFragment],
    ] as const) {
      const shader = gl.createShader(kind)!;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
      throw new Error(`the map's shaders do not link: ${gl.getProgramInfoLog(program) ?? ""}`);
    gl.useProgram(program);
    this.view = gl.getUniformLocation(program, "view");
    this.size = gl.getUniformLocation(program, "size");
    const attribute = (name: string, parts: number, type: number, normalised: boolean) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      const place = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, parts, type, normalised, 0, 0);
      return buffer;
    };
    attribute("position", 2, gl.FLOAT, false);
    gl.bufferData(gl.ARRAY_BUFFER, this.positions, gl.STATIC_DRAW);
    this.colourBuffer = attribute("colour", 4, gl.UNSIGNED_BYTE, true);
    this.orderBuffer = gl.createBuffer();
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(0, 0, 0, 0);
  }

  paint(colours: Uint8Array, order: Uint32Array): void {
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colourBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, colours, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.orderBuffer);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
  }

  draw(camera: Camera, size: number): void {
    const gl = this.gl;
    gl.viewport(0, 0, gl.canvas.width, gl.canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4fv(this.view, camera.transform());
    gl.uniform1f(this.size, size);
    gl.drawElements(gl.POINTS, this.positions.length / 2, gl.UNSIGNED_INT, 0);
  }
}

class FlatRenderer implements Renderer {
  private colours: Uint8Array = new Uint8Array();
  private order: Uint32Array = new Uint32Array();

  constructor(
    private readonly drawing: CanvasRenderingContext2D,
    private readonly positions: Float32Array,
  ) {}

  build(): void {}

  paint(colours: Uint8Array, order: Uint32Array): void {
    this.colours = colours;
    this.order = order;
  }

  draw(camera: Camera, size: number): void {
    const { canvas } = this.drawing;
    const [sx, sy, mx, my] = camera.transform();
    this.drawing.clearRect(0, 0, canvas.width, canvas.height);
    let last = "";
    for (const i of this.order) {
      const x = ((this.positions[2 * i]! * sx + mx + 1) / 2) * canvas.width;
      const y = ((1 - this.positions[2 * i + 1]! * sy - my) / 2) * canvas.height;
      if (x < -size || y < -size || x > canvas.width + size || y > canvas.height + size) continue;
      const [r, g, b, a] = this.colours.subarray(4 * i, 4 * i + 4);
      const style = `rgb(${r} ${g} ${b} / ${a! / 255})`;
      if (style !== last) this.drawing.fillStyle = last = style;
      this.drawing.fillRect(x - size / 2, y - size / 2, size, size);
    }
  }
}
