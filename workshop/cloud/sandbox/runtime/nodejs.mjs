// A small runtime client for Node.js functions: it asks the Runtime API for events, and calls the
// handler. What it does follows "Define Lambda function handler in Node.js"
// (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html) and "Using the Lambda runtime
// API for custom runtimes" (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
// It does not stream responses, and brings no AWS SDK.

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { format } from "node:util";
import { pathToFileURL } from "node:url";

const env = process.env;
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const frames = env._LAMBDA_TELEMETRY_LOG_FD ? Number(env._LAMBDA_TELEMETRY_LOG_FD) : null;
const takesCallbacks = Number.parseInt(env.AWS_EXECUTION_ENV.split("nodejs")[1], 10) < 24;
delete env._LAMBDA_TELEMETRY_LOG_FD;
let requestId;

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: `/2018-06-01/runtime/${where}`, headers };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// Logs: a record of several lines is one log event, so it goes out as a frame (output.py).

function write(text) {
  const message = Buffer.from(`${text}\n`);
  if (frames === null) return fs.writeSync(1, message);
  const header = Buffer.alloc(16);
  header.writeUInt32BE(0xa55a0003, 0);
  header.writeUInt32BE(message.length, 4);
  header.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  return fs.writeSync(frames, Buffer.concat([header, message]));
}

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const lowest = LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL ?? "TRACE");

function log(level, ...values) {
  if (LEVELS.indexOf(level) < lowest) return;
  const timestamp = new Date().toISOString();
  if (env.AWS_LAMBDA_LOG_FORMAT === "JSON") {
    const failed = values.find((value) => value instanceof Error);
    const about = failed ? stacked(failed) : {};
    const one = failed ? about : values[0];
    const record = values.length === 1 ? { message: one } : { message: format(...values), ...about };
    write(JSON.stringify({ timestamp, level, requestId, ...record }));
  } else {
    write(`${timestamp}\t${requestId}\t${level}\t${format(...values)}`);
  }
}

function stacked(error) {
  const { errorType, errorMessage, trace } = described(error);
  return { errorType, errorMessage, stackTrace: trace };
}

for (const [name, level] of Object.entries({
  trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR",
})) {
  console[name] = (...values) => log(level, ...values);
}

// The handler: `_HANDLER` is file.export, and the file is one of the package.

async function load() {
  const { dir, base } = path.parse(env._HANDLER);
  const [file, ...names] = base.split(".");
  const start = path.join(env.LAMBDA_TASK_ROOT, dir, file);
  const found = [".mjs", ".js", ".cjs"].map((end) => start + end).find(fs.existsSync);
  if (!found) {
    const module = path.join(dir, file);
    throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${module}'`);
  }
  let handler = await imported(found);
  for (const name of names) handler = handler?.[name];
  if (handler === undefined) {
    const message = `${env._HANDLER} is undefined or not exported`;
    throw new RuntimeError("Runtime.HandlerNotFound", message);
  }
  if (typeof handler !== "function") {
    throw new RuntimeError("Runtime.HandlerNotFound", `${env._HANDLER} is not a function`);
  }
  if (handler.length >= 3 && !takesCallbacks) {
    throw new RuntimeError(
      "Runtime.CallbackHandlerDeprecated",
      "AWS Lambda has removed support for callback-based function handlers starting with " +
        "Node.js 24. You need to modify this function to use a supported handler signature.",
    );
  }
  return handler;
}

async function imported(file) {
  try {
    if (isCommonJs(file)) return createRequire(file)(file);
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new RuntimeError("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`);
    }
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw new RuntimeError("Runtime.ImportModuleError", `Error: ${error.message}`);
    }
    throw error;
  }
}

// A .js file is CommonJS unless the package.json beside it says "type": "module".
function isCommonJs(file) {
  if (file.endsWith(".cjs")) return true;
  if (file.endsWith(".mjs")) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const described = path.join(folder, "package.json");
    if (fs.existsSync(described)) return JSON.parse(fs.readFileSync(described)).type !== "module";
    if (folder === env.LAMBDA_TASK_ROOT || folder === path.dirname(folder)) return true;
  }
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const client = headers["lambda-runtime-client-context"];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: client ? JSON.parse(client) : undefined,
    identity: undefined,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// An async handler ends with its promise. One with callbacks ends when it has called back and
// nothing is left to do.
function invoke(handler, event, context) {
  let nothingLeft;
  return new Promise((resolve, reject) => {
    let answer = null;
    nothingLeft = () => resolve(answer);
    const callback = (error, result) => {
      answer = result;
      if (error) reject(error);
      else if (!context.callbackWaitsForEmptyEventLoop) resolve(result);
    };
    const result = takesCallbacks ? handler(event, context, callback) : handler(event, context);
    if (typeof result?.then === "function") result.then(resolve, reject);
    else if (takesCallbacks) process.on("beforeExit", nothingLeft);
    else resolve(result);
  }).finally(() => process.removeListener("beforeExit", nothingLeft));
}

function described(error) {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const trace = (error.stack ?? "").split("\n");
  return { errorType: error.name, errorMessage: error.message, trace };
}

async function report(where, error) {
  const body = described(error);
  const headers = { "Lambda-Runtime-Function-Error-Type": body.errorType };
  await call("POST", where, JSON.stringify(body), headers);
}

// What nothing catches ends the environment, as on AWS.
async function end(error, title) {
  try {
    log("ERROR", title, JSON.stringify(described(error)));
    await report(requestId ? `invocation/${requestId}/error` : "init/error", error);
  } finally {
    process.exit(129);
  }
}

process.on("uncaughtException", (error) => end(error, "Uncaught Exception"));
process.on("unhandledRejection", (reason) => {
  const error = new RuntimeError("Runtime.UnhandledPromiseRejection", String(reason));
  error.stack = reason?.stack ?? error.stack;
  return end(error, "Unhandled Promise Rejection");
});

let handler;
try {
  handler = await load();
} catch (error) {
  log("ERROR", "Uncaught Exception", JSON.stringify(described(error)));
  await report("init/error", error);
  process.exit(1);
}

for (;;) {
  const { headers, body } = await call("GET", "invocation/next");
  requestId = headers["lambda-runtime-aws-request-id"];
  env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
  try {
    const result = await invoke(handler, JSON.parse(body), contextOf(headers));
    await call("POST", `invocation/${requestId}/response`, JSON.stringify(result) ?? "null");
  } catch (error) {
    log("ERROR", "Invoke Error", JSON.stringify(described(error)));
    await report(`invocation/${requestId}/error`, error);
  }
}
