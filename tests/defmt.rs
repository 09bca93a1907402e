//! Data types implement `defmt::Format`.

use defmt::Format;
use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use zigbee_ota::container::{Candidate, ContainerIntegrity, ContainerKind};
use zigbee_ota::file::{
    self, BodyLayout, CertificateElement, Element, FileName, HeaderAnomalies, HeaderControl, HeaderString,
    PlacedElement, RawRemainder, SignatureElement, StreamPiece, Tag,
};
use zigbee_ota::mmo::{MessageTooLong, Padding};
use zigbee_ota::observer::{Meaning, Observation};
use zigbee_ota::payload;
use zigbee_ota::signature::{
    self, Accepted, Authority, Certificate, KeyUsage, PublicKey, Suite, VerifyError, VerifyPolicy, integrity,
};
use zigbee_ota::time::{Delay, Instant, Millis, ServerTime, TimeField, TimeInPast, UtcTime};
use zigbee_ota::zcl::{self, *};
use zigbee_ota::{
    DecodeError, DecodeErrorKind, EncodeError, Eui64, FileVersion, HardwareRange, HardwareVersion,
    ImageFilter, ImageId, ImageType, ImageTypeClass, ManufacturerCode, ParseError, SecurityCredentialVersion,
    StackVersion,
};

fn has_format<T: Format>() {}

#[test]
fn data_types_implement_format() {
    has_format::<(ManufacturerCode, ImageType, ImageTypeClass, FileVersion, ParseError)>();
    has_format::<(StackVersion, SecurityCredentialVersion, HardwareVersion, HardwareRange, Eui64)>();
    has_format::<(ImageId, ImageFilter)>();
    has_format::<(Instant, Millis, UtcTime, ServerTime, TimeField, Delay, TimeInPast)>();
    has_format::<(DecodeError, DecodeErrorKind, EncodeError, file::FileWriteError)>();
    has_format::<(Address, DeliveryMode, FrameMeta, Transmit)>();

    has_format::<(file::FileHeader<'_>, HeaderControl, HeaderAnomalies, HeaderString, FileName<'_>)>();
    has_format::<(Tag, Element<'_>, PlacedElement<'_>, BodyLayout, RawRemainder<'_>, StreamPiece<'_>)>();
    has_format::<(SignatureElement<'_>, CertificateElement<'_>)>();

    has_format::<(Frame<'_>, zcl::FrameHeader, FrameControl, Quirks, Deviations<'_>, Violation)>();
    has_format::<(Message<'_>, Direction, ToServer, ToClient<'_>, CommandId, OtherFrame<'_>, OtherKind)>();
    has_format::<(ImageNotify, NotifyScope)>();
    has_format::<(QueryNextImageRequest, QueryResponse, ImageOffer, Status, Refusal)>();
    has_format::<(ImageBlockRequest, ImagePageRequest, ImageBlockResponse<'_>, BlockData<'_>)>();
    has_format::<(BlockBytes<'_>, BlockRefusal, WaitForData)>();
    has_format::<(UpgradeEndRequest, UpgradeEndResponse)>();
    has_format::<(QuerySpecificFileRequest, QueryResponse, DefaultResponse)>();
    has_format::<(AttributeCommand<'_>, ReadAttributes<'_>, ReadAttributesResponse<'_>, AttributeRecord)>();
    has_format::<(WriteAttributes<'_>, WriteAttributesResponse<'_>)>();
    has_format::<(DiscoverAttributes, DiscoverAttributesResponse<'_>)>();
    has_format::<(AttributeId, AttributeValue, AttributeInfo, DataType, Revision)>();
    has_format::<(ImageUpgradeStatus, UpgradeActivationPolicy, UpgradeTimeoutPolicy)>();
    has_format::<(AttributeSnapshot, ClientStatus)>();

    has_format::<(Suite, PublicKey, Certificate<'_>, KeyUsage, Authority, VerifyPolicy<'_>, Accepted)>();
    has_format::<(VerifyError, signature::SignatureError, signature::SignFileError)>();
    has_format::<(integrity::IntegrityCode, integrity::CodeForm, integrity::AppendCodeError)>();
    has_format::<(Padding, MessageTooLong)>();
    has_format::<(ContainerKind, ContainerIntegrity, Candidate<'_>)>();
    has_format::<(payload::Payload<'_>, payload::PayloadReport<'_>, payload::PayloadKind, payload::Entropy)>(
    );
    has_format::<(Observation<'_>, Meaning<'_>)>();
}
