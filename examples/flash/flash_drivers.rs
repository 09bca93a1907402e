//! Two drivers of the same device: one whose flash blocks, and one whose flash does not.
//!
//! Each is a life of the device, from power on to the end of the upgrade or of the power.

use std::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_futures::yield_now;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use embedded_storage_async::nor_flash as asynchronous;
use zigbee_ota::client::Outcome;
use zigbee_ota_sim::{AsyncNor, Nor, NorError};

use crate::device::{Device, Job, SLOT};
use crate::read_back_check::CHUNK;
use crate::settings_store::{Journal, RECORD};
use crate::simulated_server::{DEVICE_RUNS, SERVER, World};
use crate::slot_layout::Keep;

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Upgrade(Outcome),
    PowerFailure,
    /// Nothing happens any more.
    Stalled,
}

/// Does a job at once.
fn perform<'b, F: NorFlash>(flash: &mut F, job: &Job, buffer: &'b mut [u8]) -> Result<&'b [u8], F::Error> {
    match job {
        Job::Erase(sectors) => flash.erase(sectors.start, sectors.end)?,
        Job::Write(place, words) => flash.write(*place, words)?,
        Job::Read(place, len) => {
            flash.read(*place, &mut buffer[..*len])?;
            return Ok(&buffer[..*len]);
        }
    }
    Ok(&[])
}

/// Reads what the device remembers.
pub fn recall<F: ReadNorFlash>(flash: &mut F) -> Result<Journal, F::Error> {
    let (mut journal, mut record) = (Journal::default(), [0; RECORD]);
    for place in Journal::places() {
        flash.read(place, &mut record)?;
        journal.see(place, &record);
    }
    Ok(journal)
}

/// A life with flash that blocks: nothing else happens until a job is done.
pub fn live(world: &mut World<'_>, flash: &mut Nor, keep: Keep) -> End {
    let Ok(journal) = recall(flash) else { return End::PowerFailure };
    let room = flash.capacity() as u32 - SLOT;
    let mut device = Device::new(world.now(), SERVER, DEVICE_RUNS, keep, journal, room);
    let mut buffer = [0; CHUNK];
    loop {
        while let Some((job, then)) = device.next_job() {
            match perform(flash, &job, &mut buffer) {
                Err(NorError::Off) => return End::PowerFailure,
                result => device.done(world.now(), then, result),
            }
        }
        if let Some(outcome) = device.ended() {
            return End::Upgrade(outcome);
        }
        if !world.turn(&mut device) {
            return End::Stalled;
        }
    }
}

/// Does a job while others do theirs.
async fn perform_async<'b, F: asynchronous::NorFlash>(
    flash: &mut F,
    job: &Job,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], F::Error> {
    match job {
        Job::Erase(sectors) => flash.erase(sectors.start, sectors.end).await?,
        Job::Write(place, words) => flash.write(*place, words).await?,
        Job::Read(place, len) => {
            flash.read(*place, &mut buffer[..*len]).await?;
            return Ok(&buffer[..*len]);
        }
    }
    Ok(&[])
}

async fn recall_async<F: asynchronous::ReadNorFlash>(flash: &mut F) -> Result<Journal, F::Error> {
    let (mut journal, mut record) = (Journal::default(), [0; RECORD]);
    for place in Journal::places() {
        flash.read(place, &mut record).await?;
        journal.see(place, &record);
    }
    Ok(journal)
}

/// A life with flash that does not block: while it is busy, frames are answered and time passes as ever, and the client
/// asks for nothing that could not be stored.
pub async fn live_async(world: &mut World<'_>, flash: &mut Nor, keep: Keep) -> End {
    let mut flash = AsyncNor(flash);
    let Ok(journal) = recall_async(&mut flash).await else { return End::PowerFailure };
    let room = asynchronous::ReadNorFlash::capacity(&flash) as u32 - SLOT;
    let mut device = Device::new(world.now(), SERVER, DEVICE_RUNS, keep, journal, room);
    let mut buffer = [0; CHUNK];
    loop {
        while let Some((job, then)) = device.next_job() {
            let mut work = pin!(perform_async(&mut flash, &job, &mut buffer));
            // In firmware, the radio's next frame and the client's timer stand in the place of `yield_now`.
            let result = loop {
                match select(work.as_mut(), yield_now()).await {
                    Either::First(result) => break result,
                    Either::Second(()) => world.meanwhile(&mut device),
                }
            };
            match result {
                Err(NorError::Off) => return End::PowerFailure,
                result => device.done(world.now(), then, result),
            }
        }
        if let Some(outcome) = device.ended() {
            return End::Upgrade(outcome);
        }
        if !world.turn(&mut device) {
            return End::Stalled;
        }
    }
}
